// openid-client judges the provider.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as client from 'openid-client';
import { CALLBACK, SCOPE, makePerson, makeWorld } from './world.mjs';

let world;

before(async () => {
  world = await makeWorld();
});

after(() => world?.stop());

const authentication = ({ client_secret: secret, token_endpoint_auth_method: method, key }) => {
  if (method === 'client_secret_basic') return client.ClientSecretBasic(secret);
  if (method === 'private_key_jwt') return client.PrivateKeyJwt(key);
  return method === 'client_secret_post' ? client.ClientSecretPost(secret) : client.None();
};

const discover = (registered) =>
  client.discovery(
    new URL(world.issuer),
    registered.client_id,
    undefined,
    authentication(registered),
    { execute: [client.allowInsecureRequests] },
  );

async function signIn(config, person) {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: SCOPE,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  });
  const sent = await person.authorize(address.href);
  return client.authorizationCodeGrant(config, sent, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  });
}

test('a person signs in, the tokens work, and signing out ends them', async () => {
  const person = await makePerson(world);
  const config = await discover(world.posting);
  const tokens = await signIn(config, person);
  const { sub } = tokens.claims();
  assert.equal(sub, person.id);
  assert.equal((await client.fetchUserInfo(config, tokens.access_token, sub)).email, person.email);
  const fresh = await client.refreshTokenGrant(config, tokens.refresh_token);
  assert.equal((await client.tokenIntrospection(config, fresh.access_token)).active, true);

  const away = client.buildEndSessionUrl(config, {
    id_token_hint: fresh.id_token,
    post_logout_redirect_uri: 'https://app.example/bye',
    state: 'x',
  });
  const left = await person.signOut(away, 'https://app.example/bye');
  assert.equal(left.searchParams.get('state'), 'x');
  assert.equal((await client.tokenIntrospection(config, fresh.access_token)).active, false);
  await assert.rejects(client.refreshTokenGrant(config, fresh.refresh_token), { error: 'invalid_grant' });
});

test('a revoked token is worth nothing', async () => {
  const person = await makePerson(world);
  const config = await discover(world.posting);
  const tokens = await signIn(config, person);
  await client.tokenRevocation(config, tokens.access_token);
  assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, false);
});

test('a public client needs no secret', async () => {
  const person = await makePerson(world);
  const tokens = await signIn(await discover(world.native), person);
  assert.equal(tokens.claims().sub, person.id);
});

test('a signed request is pushed and answered in a signed JWT, and the tokens are bound to a key', async () => {
  const person = await makePerson(world);
  const config = await discover(world.signing);
  client.useJwtResponseMode(config);
  client.enableNonRepudiationChecks(config);
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const signed = await client.buildAuthorizationUrlWithJAR(config, {
    redirect_uri: CALLBACK,
    scope: SCOPE,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }, world.signing.key);
  const pushed = await client.buildAuthorizationUrlWithPAR(config, signed.searchParams, { DPoP });
  const sent = await person.authorize(pushed.href);
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  const tokens = await client.authorizationCodeGrant(config, sent, checks, undefined, { DPoP });
  assert.equal(tokens.token_type, 'dpop');
  assert.equal(tokens.claims().sub, person.id);
  const told = await client.fetchUserInfo(config, tokens.access_token, person.id, { DPoP });
  assert.equal(told.email, person.email);
});

test('a device without a browser waits until it is allowed', async () => {
  const person = await makePerson(world);
  const config = await discover(world.tv);
  const device = await client.initiateDeviceAuthorization(config, { scope: SCOPE });
  const tokens = client.pollDeviceAuthorizationGrant(config, device);
  await person.decide(device.verification_uri, device.user_code, 'allow');
  assert.equal((await tokens).claims().sub, person.id);
});

test('a service gets a token for itself', async () => {
  const tokens = await client.clientCredentialsGrant(await discover(world.robot), { scope: 'read' });
  assert.equal(tokens.scope, 'read');
});
