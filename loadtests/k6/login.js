// Signing in: POST /auth/login, each virtual user its own account. Each costs a password hash.

import { check } from 'k6';
import { acceptBusy, address, begin, isFineOrBusy, options as base, PASSWORD, post, register } from './service.js';

export const options = base({
  'http_req_duration{name:login}': ['p(95)<5000'],
});

acceptBusy();

export const setup = begin;

let isRegistered = false;

export default function login(data) {
  const email = address(data.run, 'own');
  if (!isRegistered) {
    const answer = register(email);
    isRegistered = answer.status === 409 || (isFineOrBusy(answer, 201) && answer.status === 201);
    return;
  }
  const answer = post('/auth/login', { email, password: PASSWORD }, 'login');
  check(answer, {
    'signed in, or told when to come back': (it) => isFineOrBusy(it, 200),
  });
}
