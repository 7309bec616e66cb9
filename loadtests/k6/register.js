// Signing up: POST /auth/register, somebody new each time. Each costs a password hash.

import { check } from 'k6';
import { acceptBusy, address, begin, isFineOrBusy, options as base, register } from './service.js';

export const options = base({
  'http_req_duration{name:register}': ['p(95)<5000'],
});

acceptBusy();

export const setup = begin;

export default function signUp(data) {
  const answer = register(address(data.run, __ITER));
  check(answer, {
    'registered, or told when to come back': (it) => isFineOrBusy(it, 201),
  });
}
