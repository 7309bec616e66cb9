// Clients that register themselves (RFC 7591), judged by oauth4webapi and openid-client.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as client from 'openid-client';
import * as oauth from 'oauth4webapi';
import { INSECURE, addressOf, discover, makeRequest, redeem } from './flow.mjs';
import { CALLBACK, SCOPE, makeKey, makePerson, makeWorld } from './world.mjs';

let world;
let as;

before(async () => {
  world = await makeWorld({ choose: () => ({ registration: 'open' }) });
  as = await discover(world);
});

after(() => world?.stop());

const described = (own) => ({
  client_name: 'An application',
  redirect_uris: [CALLBACK],
  grant_types: ['authorization_code', 'refresh_token'],
  response_types: ['code'],
  scope: SCOPE,
  ...own,
});

async function register(own) {
  const answer = await oauth.dynamicClientRegistrationRequest(as, described(own), INSECURE);
  return oauth.processDynamicClientRegistrationResponse(answer);
}

for (const [method, describe, prove] of [
  ['client_secret_basic', () => ({}), ({ client_secret }) => oauth.ClientSecretBasic(client_secret)],
  ['client_secret_post', () => ({}), ({ client_secret }) => oauth.ClientSecretPost(client_secret)],
  ['private_key_jwt', ({ jwk }) => ({ jwks: { keys: [jwk] } }), (_, { key }) => oauth.PrivateKeyJwt(key)],
  ['none', () => ({}), () => oauth.None()],
]) {
  test(`whoever registers with oauth4webapi can sign people in: ${method}`, async () => {
    const pair = await makeKey('ES256');
    const registered = await register({ token_endpoint_auth_method: method, ...describe(pair) });
    assert.equal(registered.token_endpoint_auth_method, method);
    const person = await makePerson(world);
    const request = await makeRequest(registered);
    const sent = await person.authorize(addressOf(as, request.parameters));
    const tokens = await redeem(as, registered, prove(registered, pair), request, sent);
    assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, person.id);
  });
}

test('a registration is read, replaced and deleted where it says, with the token it came with (RFC 7592)', async () => {
  const registered = await register({ token_endpoint_auth_method: 'none' });
  const ask = (method, body, token = registered.registration_access_token) =>
    fetch(registered.registration_client_uri, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
  const shown = await (await ask('GET')).json();
  assert.equal(shown.client_id, registered.client_id);
  const { client_id } = registered;
  const own = { client_id, client_name: 'Another name', token_endpoint_auth_method: 'none' };
  const replaced = await ask('PUT', described(own));
  assert.equal((await replaced.json()).client_name, 'Another name');
  assert.equal((await ask('DELETE', undefined, `${registered.registration_access_token}x`)).status, 401);
  assert.equal((await ask('DELETE')).status, 204);
  assert.equal((await ask('GET')).status, 401);
});

test('what is not accepted is refused in the standard\'s words', async () => {
  const refused = [
    [{ redirect_uris: ['https://app.example/#fragment'] }, 'invalid_redirect_uri'],
    [{ grant_types: ['password'] }, 'invalid_client_metadata'],
  ];
  for (const [own, error] of refused) await assert.rejects(register(own), { error });
});

test('whoever registers with openid-client can sign people in', async () => {
  const metadata = described({ token_endpoint_auth_method: 'client_secret_post' });
  const config = await client.dynamicClientRegistration(new URL(world.issuer), metadata, undefined, {
    execute: [client.allowInsecureRequests],
  });
  const person = await makePerson(world);
  const verifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: SCOPE,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
  });
  const sent = await person.authorize(address.href);
  const tokens = await client.authorizationCodeGrant(config, sent, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    idTokenExpected: true,
  });
  assert.equal(tokens.claims().sub, person.id);
});
