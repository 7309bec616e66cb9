// The public keys: GET /.well-known/jwks.json.

import { check } from 'k6';
import { get, options as base } from './service.js';

export const options = base({ 'http_req_duration{name:jwks}': ['p(95)<50', 'p(99)<100'] });

export default function jwks() {
  const answer = get('/.well-known/jwks.json', 'jwks');
  check(answer, { 'has keys': (it) => it.status === 200 && it.json('keys.#') > 0 });
}
