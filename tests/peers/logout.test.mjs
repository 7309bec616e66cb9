// What an application is told when somebody signs out (OpenID Connect Back-Channel Logout), judged by jose; and
// what it asks by reference (RFC 9101 §5.2).

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import * as oauth from 'oauth4webapi';
import { INSECURE, addressOf, discover, makeRequest, redeem } from './flow.mjs';
import { freePort } from './service.mjs';
import { CALLBACK, SCOPE, makeKey, makePerson, makeWorld } from './world.mjs';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';

let world;
let as;
let application;

/** An application's own server: keeps what it is told, and shows what it is asked for. */
async function serve() {
  const port = await freePort();
  const kept = [];
  const shown = new Map();
  const server = createServer((request, answer) => {
    let body = '';
    request.on('data', (part) => { body += part; });
    request.on('end', () => {
      kept.push({ path: request.url, type: request.headers['content-type'], body: new URLSearchParams(body) });
      answer.setHeader('content-type', 'application/oauth-authz-req+jwt');
      answer.end(shown.get(request.url));
    });
  });
  await new Promise((done) => server.listen(port, '127.0.0.1', done));
  return { address: `127.0.0.1:${port}`, kept, shown, stop: () => server.close() };
}

before(async () => {
  application = await serve();
  world = await makeWorld({ EGRESS_ALLOW: application.address });
  as = await discover(world);
});

after(async () => {
  await world?.stop();
  application?.stop();
});

async function register(own) {
  const registered = await world.admin('POST', '/admin/clients', {
    name: 'An application',
    client_type: 'web',
    redirect_uris: [CALLBACK],
    scopes: SCOPE.split(' '),
    ...own,
  });
  const { client_id, client_secret } = registered;
  return { client: { client_id }, auth: client_secret && oauth.ClientSecretBasic(client_secret) };
}

test('an application is told of a sign-out in a logout token', async () => {
  const { client, auth } = await register({
    backchannel_logout_uri: `http://${application.address}/signed-out`,
    backchannel_logout_session_required: true,
  });
  const person = await makePerson(world);
  const request = await makeRequest(client);
  const sent = await person.authorize(addressOf(as, request.parameters));
  const tokens = await redeem(as, client, auth, request, sent);
  const { sub, sid } = oauth.getValidatedIdTokenClaims(tokens);
  await person.signOut(as.end_session_endpoint, CALLBACK);
  for (let tries = 0; tries < 100 && application.kept.length === 0; tries += 1) {
    await new Promise((done) => setTimeout(done, 100));
  }
  const [told] = application.kept.splice(0);
  assert.equal(told.path, '/signed-out');
  assert.match(told.type, /^application\/x-www-form-urlencoded/);
  const keys = createRemoteJWKSet(new URL(as.jwks_uri));
  const { payload } = await jwtVerify(told.body.get('logout_token'), keys, {
    issuer: as.issuer,
    audience: client.client_id,
    typ: 'logout+jwt',
    requiredClaims: ['iat', 'exp', 'jti', 'events'],
  });
  assert.deepEqual(payload.events, { [EVENT]: {} });
  assert.equal(payload.sub, sub);
  assert.equal(payload.sid, sid);
  assert.equal(payload.nonce, undefined);
});

test('a signed request is fetched from where its client keeps it', async () => {
  const { key, jwk } = await makeKey('ES256');
  const uri = `http://${application.address}/request.jwt`;
  const { client } = await register({
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [jwk] },
    request_uris: [uri],
  });
  const person = await makePerson(world);
  const request = await makeRequest(client);
  const signing = { key, kid: jwk.kid };
  application.shown.set('/request.jwt', await oauth.issueRequestObject(as, client, request.parameters, signing));
  const short = new URLSearchParams({ client_id: client.client_id, request_uri: uri });
  const sent = await person.authorize(addressOf(as, short));
  const tokens = await redeem(as, client, oauth.PrivateKeyJwt(signing), request, sent);
  assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, person.id);
});

test('two sectors know one person by two names, and two applications of one sector by one', async () => {
  const person = await makePerson(world);
  const names = [];
  for (const host of ['one.example', 'two.example', 'one.example']) {
    const { client, auth } = await register({
      redirect_uris: [`https://${host}/callback`],
      subject_type: 'pairwise',
      is_first_party: true,
    });
    const redirect_uri = `https://${host}/callback`;
    const request = await makeRequest(client, { redirect_uri });
    const sent = await person.authorize(addressOf(as, request.parameters), redirect_uri);
    const parameters = oauth.validateAuthResponse(as, client, sent, request.state);
    const answer = await oauth.authorizationCodeGrantRequest(
      as, client, auth, parameters, redirect_uri, request.verifier, INSECURE,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, {
      expectedNonce: request.nonce,
      requireIdToken: true,
    });
    const { sub } = oauth.getValidatedIdTokenClaims(tokens);
    const told = await oauth.userInfoRequest(as, client, tokens.access_token, INSECURE);
    assert.equal((await oauth.processUserInfoResponse(as, client, sub, told)).sub, sub);
    names.push(sub);
  }
  const [first, second, again] = names;
  assert.equal(first, again);
  assert.equal(new Set([first, second, person.id]).size, 3);
});
