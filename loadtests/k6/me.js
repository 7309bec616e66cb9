// Showing an access token: GET /auth/me, each virtual user its own.

import { check } from 'k6';
import { begin, get, keep, options as base, tokens } from './service.js';

export const options = base({ 'http_req_duration{name:me}': ['p(95)<100', 'p(99)<250'] });

export const setup = begin;

export default function me(data) {
  const held = tokens(data);
  if (held === null) {
    return;
  }
  const answer = get('/auth/me', 'me', held.access);
  check(answer, { 'is known': (it) => it.status === 200 && Boolean(it.json('email')) });
  // A run may outlive a token.
  if (answer.status === 401) {
    keep(null);
  }
}
