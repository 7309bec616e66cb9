// One authorization by oauth4webapi: what is asked, and what becomes of the code.

import * as oauth from 'oauth4webapi';
import { CALLBACK, SCOPE } from './world.mjs';

export const INSECURE = { [oauth.allowInsecureRequests]: true };

/** Reads and judges the metadata of a running service. */
export async function discover(world) {
  const issuer = new URL(world.issuer);
  const answer = await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...INSECURE });
  return oauth.processDiscoveryResponse(issuer, answer);
}

/** Makes the parameters of a request, and what has to be remembered of it. */
export async function makeRequest(client, more = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
  const parameters = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: SCOPE,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    ...more,
  });
  return { verifier, state, nonce, parameters };
}

export const addressOf = (as, parameters) => `${as.authorization_endpoint}?${parameters}`;

/** Judges the answer that a person was sent back with, and redeems its code. */
export async function redeem(as, client, auth, request, sent, options = {}) {
  const parameters = oauth.validateAuthResponse(as, client, sent, request.state);
  const answer = await oauth.authorizationCodeGrantRequest(
    as, client, auth, parameters, CALLBACK, request.verifier, { ...INSECURE, ...options },
  );
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, {
    expectedNonce: request.nonce,
    requireIdToken: true,
  });
  await oauth.validateApplicationLevelSignature(as, answer, INSECURE);
  return tokens;
}
