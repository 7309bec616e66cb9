// oauth4webapi judges what is signed: by the service for a client and a resource, by a client for the service.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import { INSECURE, addressOf, discover, makeRequest, redeem } from './flow.mjs';
import { CALLBACK, SCOPE, makeKey, makePerson, makeWorld } from './world.mjs';

const RESOURCE = 'https://api.example/';

let world;
let as;

before(async () => {
  world = await makeWorld();
  as = await discover(world);
});

after(() => world?.stop());

/** Registers a web application with members of its own. */
async function register(own) {
  const registered = await world.admin('POST', '/admin/clients', {
    name: 'A web application',
    client_type: 'web',
    redirect_uris: [CALLBACK],
    scopes: SCOPE.split(' '),
    ...own,
  });
  const auth = registered.client_secret && oauth.ClientSecretBasic(registered.client_secret);
  return { client: { client_id: registered.client_id }, auth };
}

async function signIn(client, auth, { as, ...options }) {
  const person = await makePerson(world);
  const request = await makeRequest(client, options.parameters);
  const sent = await person.authorize(addressOf(as, request.parameters));
  const tokens = await redeem(as, client, auth, request, sent, { DPoP: options.DPoP });
  return { person, tokens };
}

for (const algorithm of ['ES256', 'RS256', 'EdDSA']) {
  test(`ID token, userinfo and introspection are signed: ${algorithm}`, async () => {
    const own = {
      id_token_signed_response_alg: algorithm,
      userinfo_signed_response_alg: algorithm,
      introspection_signed_response_alg: algorithm,
    };
    const { client: { client_id }, auth } = await register(own);
    const client = { client_id, ...own };
    // Where it starts: what it keeps of the metadata and of the keys is of now.
    const as = await discover(world);
    const { person, tokens } = await signIn(client, auth, { as });

    const told = await oauth.userInfoRequest(as, client, tokens.access_token, INSECURE);
    const claims = await oauth.processUserInfoResponse(as, client, person.id, told);
    await oauth.validateApplicationLevelSignature(as, told, INSECURE);
    assert.equal(claims.email, person.email);

    const asked = await oauth.introspectionRequest(as, client, auth, tokens.access_token, INSECURE);
    const worth = await oauth.processIntrospectionResponse(as, client, asked);
    await oauth.validateApplicationLevelSignature(as, asked, INSECURE);
    assert.equal(worth.active, true);
    assert.equal(worth.sub, person.id);

    const unknown = await oauth.introspectionRequest(as, client, auth, 'qf_at_unknown', INSECURE);
    assert.equal((await oauth.processIntrospectionResponse(as, client, unknown)).active, false);
  });
}

test('a resource server judges an access token, as Bearer and as DPoP', async () => {
  const audiences = [RESOURCE];
  const { client, auth } = await register({ access_token_format: 'jwt', audiences });
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
  for (const options of [{}, { DPoP }]) {
    const { person, tokens } = await signIn(client, auth, { as, ...options, parameters: { resource: RESOURCE } });
    let seen;
    await oauth.protectedResourceRequest(tokens.access_token, 'GET', new URL('http://localhost/things'), undefined, undefined, {
      ...INSECURE,
      ...options,
      [oauth.customFetch]: async (address, request) => {
        seen = new Request(address, request);
        return new Response();
      },
    });
    const judge = (audience) => oauth.validateJwtAccessToken(as, seen, audience, {
      requireDPoP: 'DPoP' in options,
      ...INSECURE,
    });
    const claims = await judge(RESOURCE);
    assert.equal(claims.sub, person.id);
    assert.equal(claims.client_id, client.client_id);
    await assert.rejects(judge('https://other.example/'));
  }
});

for (const algorithm of ['ES256', 'PS256', 'Ed25519']) {
  test(`a request is signed by its client, by value and pushed: ${algorithm}`, async () => {
    const { key, jwk } = await makeKey(algorithm);
    const person = await makePerson(world);
    const { client } = await register({
      token_endpoint_auth_method: 'private_key_jwt',
      require_signed_request_object: true,
      jwks: { keys: [jwk] },
    });
    const auth = oauth.PrivateKeyJwt({ key, kid: jwk.kid });

    const bare = await makeRequest(client);
    const page = await person.authorize(addressOf(as, bare.parameters));
    assert.ok(page instanceof URL && page.searchParams.get('error'), 'a bare request is refused');

    for (const push of [false, true]) {
      const request = await makeRequest(client);
      const object = await oauth.issueRequestObject(as, client, request.parameters, { key, kid: jwk.kid });
      let short = new URLSearchParams({ client_id: client.client_id, request: object });
      if (push) {
        const answer = await oauth.pushedAuthorizationRequest(as, client, auth, short, INSECURE);
        const pushed = await oauth.processPushedAuthorizationResponse(as, client, answer);
        short = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri });
      }
      const sent = await person.authorize(addressOf(as, short));
      const tokens = await redeem(as, client, auth, request, sent);
      assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, person.id);
    }
  });
}

test('a client of the FAPI 2.0 profile pushes, signs, proves a key, and is answered in a signed JWT', async () => {
  const { key, jwk } = await makeKey('ES256');
  const person = await makePerson(world);
  const { client } = await register({
    token_endpoint_auth_method: 'private_key_jwt',
    dpop_bound_access_tokens: true,
    fapi_2_0: true,
    jwks: { keys: [jwk] },
  });
  const auth = oauth.PrivateKeyJwt({ key, kid: jwk.kid });
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
  const request = await makeRequest(client, { response_mode: 'jwt' });
  const answer = await oauth.pushedAuthorizationRequest(as, client, auth, request.parameters, { DPoP, ...INSECURE });
  const pushed = await oauth.processPushedAuthorizationResponse(as, client, answer);
  const short = new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri });
  const sent = await person.authorize(addressOf(as, short));
  const parameters = await oauth.validateJwtAuthResponse(as, client, sent, request.state, INSECURE);
  const redeemed = await oauth.authorizationCodeGrantRequest(
    as, client, auth, parameters, CALLBACK, request.verifier, { DPoP, ...INSECURE },
  );
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, redeemed, {
    expectedNonce: request.nonce,
    requireIdToken: true,
  });
  assert.equal(tokens.token_type, 'dpop');
  const fresh = await oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token, { DPoP, ...INSECURE });
  const again = await oauth.processRefreshTokenResponse(as, client, fresh);
  assert.equal(again.token_type, 'dpop');
  // FAPI 2.0 §5.3.2.1: it does not rotate.
  assert.equal(again.refresh_token, tokens.refresh_token);
});

test('the resource names its authorization server', async () => {
  const resource = new URL(world.issuer);
  const answer = await oauth.resourceDiscoveryRequest(resource, INSECURE);
  const said = await oauth.processResourceDiscoveryResponse(resource, answer);
  assert.deepEqual(said.authorization_servers, [world.issuer]);
});
