// What the scripts share: where the service is, how hard it is loaded, and what counts as met.

import http from 'k6/http';
import { check, sleep } from 'k6';

/** The public door. */
export const BASE = (__ENV.BASE_URL || 'http://127.0.0.1:4000').replace(/\/$/, '');

/** The one password of everybody. */
export const PASSWORD = 'a quiet garden in the rain';

/** How long each stage lasts, such as 30s; the climb to it takes a third of that. */
const HOLD = __ENV.HOLD || '30s';
const CLIMB = __ENV.CLIMB || '10s';

/** 10, 50, 100, 500 virtual users, each for a while, then down. */
export const STAGES = [10, 50, 100, 500]
  .flatMap((target) => [
    { duration: CLIMB, target },
    { duration: HOLD, target },
  ])
  .concat([{ duration: CLIMB, target: 0 }]);

/** Options of a script: the stages, and thresholds of its own beside those of every script. */
export function options(own = {}) {
  return {
    stages: STAGES,
    thresholds: {
      checks: ['rate>0.99'],
      http_req_failed: ['rate<0.01'],
      ...own,
    },
    summaryTrendStats: ['min', 'med', 'avg', 'p(90)', 'p(95)', 'p(99)', 'max'],
  };
}

/**
 * A network of its own for each virtual user: one machine plays everybody. The service believes it where
 * TRUSTED_PROXIES names this machine.
 */
function network() {
  const user = __VU || 1;
  return `10.${Math.floor(user / 62500) % 250}.${Math.floor(user / 250) % 250}.${user % 250}`;
}

/** Headers of a request with a JSON body. */
function headers(own = {}) {
  return { headers: { 'content-type': 'application/json', 'x-forwarded-for': network(), ...own } };
}

/** Posts JSON; `name` groups the measurements. */
export function post(path, body, name) {
  return http.post(`${BASE}${path}`, JSON.stringify(body), { ...headers(), tags: { name } });
}

/** Gets; with an access token where there is one. */
export function get(path, name, token) {
  const own = token ? { authorization: `Bearer ${token}` } : {};
  return http.get(`${BASE}${path}`, { ...headers(own), tags: { name } });
}

/** An address that nobody else has: of this run, this virtual user, this turn. */
export function address(run, turn) {
  return `k6-${run}-${__VU}-${turn}@example.org`;
}

/** Counts being told to come back as no failure: the hashing queue is bounded on purpose. */
export function acceptBusy() {
  http.setResponseCallback(http.expectedStatuses({ min: 200, max: 399 }, 409, 503));
}

/** Says whether an answer is the wanted one, or says when to come back; then it waits for that. */
export function isFineOrBusy(answer, wanted) {
  if (answer.status !== 503) {
    return answer.status === wanted;
  }
  const wait = Number(answer.headers['Retry-After']);
  sleep(wait > 0 ? wait : 1);
  return wait > 0;
}

/** Tells runs apart. */
export function begin() {
  return { run: Date.now().toString(36) };
}

/** Registers somebody. */
export function register(email) {
  return post('/auth/register', { email, password: PASSWORD, name: 'K6' }, 'register');
}

/** Signs somebody in; gives the tokens, or nothing. */
export function signIn(email) {
  const answer = post('/auth/login', { email, password: PASSWORD }, 'login');
  const isFine = check(answer, {
    'signed in': (it) => it.status === 200 && Boolean(it.json('access_token')),
  });
  return isFine ? { access: answer.json('access_token'), refresh: answer.json('refresh_token') } : null;
}

let own = null;

/** The tokens of this virtual user: registered and signed in at its first turn. */
export function tokens(data) {
  if (own === null) {
    const email = address(data.run, 'own');
    register(email);
    own = signIn(email);
  }
  return own;
}

/** Notes the tokens that a refresh gave. */
export function keep(next) {
  own = next;
}
