// Refreshing: POST /auth/token as JSON, each virtual user following its own chain.

import { check } from 'k6';
import { begin, keep, options as base, post, tokens } from './service.js';

export const options = base({ 'http_req_duration{name:refresh}': ['p(95)<250', 'p(99)<500'] });

export const setup = begin;

export default function refresh(data) {
  const held = tokens(data);
  if (held === null) {
    return;
  }
  const body = { grant_type: 'refresh_token', refresh_token: held.refresh };
  const answer = post('/auth/token', body, 'refresh');
  const isFine = check(answer, {
    refreshed: (it) => it.status === 200 && Boolean(it.json('refresh_token')),
  });
  // An answer that was lost is asked for again with the same token, which gives the same successor.
  if (isFine) {
    keep({ access: answer.json('access_token'), refresh: answer.json('refresh_token') });
  }
}
