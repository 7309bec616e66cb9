// What every peer is judged in: a running service, a person, and clients of each kind.

import { Agent } from './agent.mjs';
import { start } from './service.mjs';

export const PASSWORD = 'a quiet garden in the rain';
export const CALLBACK = 'https://app.example/callback';
export const SCOPE = 'openid profile email offline_access';

let people = 0;

/** Starts a service and registers the clients. */
export async function makeWorld(settings) {
  const service = await start(settings);
  const application = {
    name: 'A web application',
    client_type: 'web',
    redirect_uris: [CALLBACK],
    scopes: SCOPE.split(' '),
    post_logout_redirect_uris: ['https://app.example/bye'],
    may_introspect: true,
  };
  const web = await service.admin('POST', '/admin/clients', application);
  const posting = await service.admin('POST', '/admin/clients', {
    ...application,
    token_endpoint_auth_method: 'client_secret_post',
  });
  const signing = await makeSigning(service, application);
  const native = await service.admin('POST', '/admin/clients', {
    name: 'A native application',
    client_type: 'native',
    redirect_uris: [CALLBACK],
    scopes: SCOPE.split(' '),
  });
  const robot = await service.admin('POST', '/admin/clients', {
    name: 'A service',
    client_type: 'service',
    scopes: ['read'],
  });
  const tv = await service.admin('POST', '/admin/clients', {
    name: 'A television',
    client_type: 'native',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    scopes: SCOPE.split(' '),
  });
  return { ...service, web, posting, signing, native, robot, tv };
}

/** Registers a client that signs who it is, and keeps its key beside it. */
async function makeSigning(service, application) {
  const { key, jwk } = await makeKey('ES256');
  const registered = await service.admin('POST', '/admin/clients', {
    ...application,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [jwk] },
  });
  return { ...registered, key };
}

const KINDS = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) },
  Ed25519: { name: 'Ed25519' },
};

/** Makes a key for an algorithm: its private half, and the public one as it is registered. */
export async function makeKey(algorithm) {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(KINDS[algorithm], true, ['sign', 'verify']);
  const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey('jwk', publicKey);
  return { key: privateKey, jwk: { kty, crv, x, y, n, e, kid: 'key-1', use: 'sig' } };
}

/** Makes a person with an account, and a browser of theirs. */
export async function makePerson(world) {
  people += 1;
  const email = `person${people}@example.org`;
  const answer = await fetch(`${world.issuer}/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD, name: 'Ada' }),
  });
  const { id } = await answer.json();
  const agent = new Agent();
  return {
    id,
    email,
    /** Signs in and allows; gives the address that the browser was sent back to. */
    authorize: (address, place = CALLBACK) =>
      agent.walk(address, place, {
        '/sign-in': { email, password: PASSWORD },
        '/consent': { decision: 'allow' },
      }),
    /** Types the code of a device, signs in and decides; gives the page that says so. */
    decide: (address, user_code, decision) =>
      agent.walk(address, CALLBACK, {
        '/sign-in': { email, password: PASSWORD },
        '/device': { user_code, decision },
      }),
    signOut: (address, place) => agent.walk(String(address), place, { '/oauth/logout': { decision: 'logout' } }),
  };
}
