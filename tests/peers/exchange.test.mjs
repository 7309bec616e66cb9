// Tokens that are exchanged (RFC 8693), judged by oauth4webapi and openid-client.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as client from 'openid-client';
import * as oauth from 'oauth4webapi';
import { INSECURE, addressOf, discover, makeRequest, redeem } from './flow.mjs';
import { makePerson, makeWorld } from './world.mjs';

const GRANT = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS = 'urn:ietf:params:oauth:token-type:access_token';

let world;
let as;
let agent;

before(async () => {
  world = await makeWorld();
  as = await discover(world);
  agent = await world.admin('POST', '/admin/clients', {
    name: 'An agent',
    client_type: 'agent',
    grant_types: [GRANT, 'client_credentials'],
    scopes: ['openid', 'email'],
  });
});

after(() => world?.stop());

/** A person's token for a web application. */
async function signIn() {
  const person = await makePerson(world);
  const { client_id, client_secret } = world.web;
  const request = await makeRequest({ client_id });
  const sent = await person.authorize(addressOf(as, request.parameters));
  const tokens = await redeem(as, { client_id }, oauth.ClientSecretBasic(client_secret), request, sent);
  return { person, tokens };
}

test('an agent acts for a person, and is named', async () => {
  const { person, tokens } = await signIn();
  const { client_id } = agent;
  const auth = oauth.ClientSecretBasic(agent.client_secret);
  const exchange = async (subject_token, scope) => {
    const asked = { subject_token, subject_token_type: ACCESS, scope };
    const answer = await oauth.genericTokenEndpointRequest(as, { client_id }, auth, GRANT, asked, INSECURE);
    return oauth.processGenericTokenEndpointResponse(as, { client_id }, answer);
  };
  const given = await exchange(tokens.access_token, 'openid email');
  assert.equal(given.issued_token_type, ACCESS);
  assert.equal(given.refresh_token, undefined);

  const told = await oauth.userInfoRequest(as, { client_id }, given.access_token, INSECURE);
  const claims = await oauth.processUserInfoResponse(as, { client_id }, person.id, told);
  assert.equal(claims.email, person.email);
  const asked = await oauth.introspectionRequest(as, { client_id }, auth, given.access_token, INSECURE);
  const worth = await oauth.processIntrospectionResponse(as, { client_id }, asked);
  assert.deepEqual(worth.act, { sub: client_id });
  assert.equal(worth.sub, person.id);

  await assert.rejects(exchange(given.access_token, 'openid profile'), { error: 'invalid_scope' });
  await assert.rejects(exchange('qf_at_nothing', 'openid'), { error: 'invalid_request' });
});

test('the end of what was exchanged is the end of what it was exchanged for', async () => {
  const { tokens } = await signIn();
  const config = await client.discovery(
    new URL(world.issuer), agent.client_id, undefined, client.ClientSecretBasic(agent.client_secret),
    { execute: [client.allowInsecureRequests] },
  );
  const given = await client.genericGrantRequest(config, GRANT, {
    subject_token: tokens.access_token,
    subject_token_type: ACCESS,
  });
  assert.equal((await client.tokenIntrospection(config, given.access_token)).active, true);
  const { client_id, client_secret } = world.web;
  const auth = oauth.ClientSecretBasic(client_secret);
  const revoked = await oauth.revocationRequest(as, { client_id }, auth, tokens.access_token, INSECURE);
  await oauth.processRevocationResponse(revoked);
  assert.equal((await client.tokenIntrospection(config, given.access_token)).active, false);
});
