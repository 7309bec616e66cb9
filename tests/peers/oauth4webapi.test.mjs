// oauth4webapi judges the provider.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import { INSECURE, addressOf, discover, makeRequest, redeem } from './flow.mjs';
import { SCOPE, makePerson, makeWorld } from './world.mjs';

let world;
let as;

before(async () => {
  world = await makeWorld();
  as = await discover(world);
});

after(() => world?.stop());

for (const [name, pick] of [
  ['client_secret_basic', () => [world.web, oauth.ClientSecretBasic(world.web.client_secret)]],
  ['client_secret_post', () => [world.posting, oauth.ClientSecretPost(world.posting.client_secret)]],
  ['private_key_jwt', () => [world.signing, oauth.PrivateKeyJwt(world.signing.key)]],
  ['none', () => [world.native, oauth.None()]],
]) {
  test(`a code becomes tokens, is refreshed, asked about, revoked: ${name}`, async () => {
    const person = await makePerson(world);
    const [registered, auth] = pick();
    const client = { client_id: registered.client_id };
    const request = await makeRequest(client);
    const sent = await person.authorize(addressOf(as, request.parameters));
    const tokens = await redeem(as, client, auth, request, sent);
    const identity = oauth.getValidatedIdTokenClaims(tokens);
    assert.equal(identity.sub, person.id);

    const told = await oauth.userInfoRequest(as, client, tokens.access_token, INSECURE);
    const claims = await oauth.processUserInfoResponse(as, client, identity.sub, told);
    assert.equal(claims.email, person.email);

    const fresh = await oauth.processRefreshTokenResponse(
      as, client, await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, INSECURE),
    );
    assert.notEqual(fresh.refresh_token, tokens.refresh_token);

    if (name !== 'none') {
      const asked = await oauth.introspectionRequest(as, client, auth, fresh.access_token, INSECURE);
      const worth = await oauth.processIntrospectionResponse(as, client, asked);
      assert.equal(worth.active, true);
      assert.equal(worth.sub, person.id);
    }

    const revoked = await oauth.revocationRequest(as, client, auth, fresh.refresh_token, INSECURE);
    await oauth.processRevocationResponse(revoked);
    const again = await oauth.refreshTokenGrantRequest(as, client, auth, fresh.refresh_token, INSECURE);
    await assert.rejects(oauth.processRefreshTokenResponse(as, client, again), { error: 'invalid_grant' });
  });
}

test('signing out leads back to the application and ends its tokens', async () => {
  const person = await makePerson(world);
  const client = { client_id: world.web.client_id };
  const auth = oauth.ClientSecretBasic(world.web.client_secret);
  const request = await makeRequest(client);
  const sent = await person.authorize(addressOf(as, request.parameters));
  const tokens = await redeem(as, client, auth, request, sent);
  const leaving = new URLSearchParams({
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: 'https://app.example/bye',
    state: 'x',
  });
  const left = await person.signOut(`${as.end_session_endpoint}?${leaving}`, 'https://app.example/bye');
  assert.equal(left.searchParams.get('state'), 'x');
  const asked = await oauth.introspectionRequest(as, client, auth, tokens.access_token, INSECURE);
  const worth = await oauth.processIntrospectionResponse(as, client, asked);
  assert.equal(worth.active, false);
  const again = await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, INSECURE);
  await assert.rejects(oauth.processRefreshTokenResponse(as, client, again), { error: 'invalid_grant' });
});

test('a request is pushed, and its tokens are bound to a key', async () => {
  const person = await makePerson(world);
  const client = { client_id: world.web.client_id };
  const auth = oauth.ClientSecretBasic(world.web.client_secret);
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
  const request = await makeRequest(client);
  const answer = await oauth.pushedAuthorizationRequest(
    as, client, auth, request.parameters, { DPoP, ...INSECURE },
  );
  const pushed = await oauth.processPushedAuthorizationResponse(as, client, answer);
  const short = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri });
  const sent = await person.authorize(addressOf(as, short));
  const tokens = await redeem(as, client, auth, request, sent, { DPoP });
  assert.equal(tokens.token_type, 'dpop');

  const told = await oauth.userInfoRequest(as, client, tokens.access_token, { DPoP, ...INSECURE });
  const claims = await oauth.processUserInfoResponse(as, client, person.id, told);
  assert.equal(claims.sub, person.id);
  const stolen = await fetch(as.userinfo_endpoint, {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  });
  assert.equal(stolen.status, 401);
});

test('a device without a browser is allowed, and another is denied', async () => {
  const person = await makePerson(world);
  const client = { client_id: world.tv.client_id };
  const auth = oauth.None();
  const begin = async () => {
    const answer = await oauth.deviceAuthorizationRequest(as, client, auth, { scope: SCOPE }, INSECURE);
    return oauth.processDeviceAuthorizationResponse(as, client, answer);
  };
  const poll = async (device) => {
    const answer = await oauth.deviceCodeGrantRequest(as, client, auth, device.device_code, INSECURE);
    return oauth.processDeviceCodeResponse(as, client, answer);
  };
  const device = await begin();
  await assert.rejects(poll(device), { error: 'authorization_pending' });
  await assert.rejects(poll(device), { error: 'slow_down' });
  await person.decide(device.verification_uri, device.user_code, 'allow');
  const tokens = await poll(device);
  assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, person.id);
  assert.ok(tokens.refresh_token);
  await assert.rejects(poll(device), { error: 'invalid_grant' });

  const other = await begin();
  await person.decide(other.verification_uri_complete, other.user_code, 'deny');
  await assert.rejects(poll(other), { error: 'access_denied' });
});

test('an answer comes as a signed JWT', async () => {
  const person = await makePerson(world);
  const client = { client_id: world.web.client_id };
  const request = await makeRequest(client, { response_mode: 'query.jwt' });
  const sent = await person.authorize(addressOf(as, request.parameters));
  const parameters = await oauth.validateJwtAuthResponse(as, client, sent, request.state, INSECURE);
  assert.ok(parameters.get('code'));
});

test('a service gets a token for itself', async () => {
  const client = { client_id: world.robot.client_id };
  const auth = oauth.ClientSecretBasic(world.robot.client_secret);
  const answer = await oauth.clientCredentialsGrantRequest(
    as, client, auth, { scope: 'read' }, INSECURE,
  );
  const tokens = await oauth.processClientCredentialsResponse(as, client, answer);
  assert.equal(tokens.scope, 'read');
});
