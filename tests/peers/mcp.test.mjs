// What the Model Context Protocol asks of an authorization server: judged by its conformance tool, and by
// the client of its SDK.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { auth } from '@modelcontextprotocol/sdk/client/auth.js';
import { freePort } from './service.mjs';
import { SCOPE, makePerson, makeWorld } from './world.mjs';

const TOOL = 'node_modules/@modelcontextprotocol/conformance/dist/index.js';
const RESOURCE = 'https://mcp.example/mcp';

let world;

before(async () => {
  // Whoever comes may register, and use this service's own API, which is the resource here.
  world = await makeWorld({ choose: (issuer) => ({ registration: 'open', resources: [issuer] }) });
});

after(() => world?.stop());

/** Registers a program on a person's device, whose redirect URI may have any port. */
const register = (own) =>
  world.admin('POST', '/admin/clients', {
    name: 'An assistant',
    client_type: 'native',
    redirect_uris: ['http://127.0.0.1/callback'],
    scopes: SCOPE.split(' '),
    audiences: [RESOURCE],
    ...own,
  });

/** Runs the tool as far as the address that a person is to open, and lets a person go there. */
async function conform(options) {
  const results = await mkdtemp(join(tmpdir(), 'conformance-'));
  const [port, person] = [await freePort(), await makePerson(world)];
  const place = `http://127.0.0.1:${port}/callback`;
  const tool = spawn(process.execPath, [
    '--import', './older-node.mjs', TOOL, 'authorization', '--url', world.issuer, '--port', String(port),
    '--output-dir', results, ...options,
  ]);
  const ended = new Promise((done) => tool.once('exit', done));
  let told = '';
  let gone;
  const read = (part) => {
    told += part;
    const [address] = told.match(/http:\S+\/oauth\/authorize\?\S+(?=\n)/) ?? [];
    if (address) gone ??= person.authorize(address, place).then((sent) => fetch(sent));
  };
  for (const stream of [tool.stdout, tool.stderr]) stream.setEncoding('utf8').on('data', read);
  const status = await ended;
  await gone;
  const checks = await readChecks(results);
  await rm(results, { recursive: true });
  assert.equal(status, 0, told);
  return checks;
}

async function readChecks(folder) {
  const found = await readdir(folder, { recursive: true });
  const files = found.filter((name) => name.endsWith('checks.json'));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  const checks = texts.flatMap((text) => JSON.parse(text));
  return Object.fromEntries(checks.map(({ id, status }) => [id, status]));
}

test('the conformance tool finds nothing wrong with the authorization server', async () => {
  const { client_id: id } = await register({});
  for (const more of [[], ['--resource', RESOURCE]]) {
    assert.deepEqual(await conform(['--client-id', id, ...more]), {
      'authorization-server-metadata': 'SUCCESS',

      'authorization-server-metadata-cimd': 'SUCCESS',
      'authorization-code-grant': 'SUCCESS',
    });
  }
});

/** What the SDK's client remembers between its steps. */
const memory = (information, kept = {}) => ({
  redirectUrl: 'http://127.0.0.1:9/callback',
  clientMetadata: {
    client_name: 'An assistant',
    application_type: 'native',
    redirect_uris: ['http://127.0.0.1:9/callback'],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  },
  state: () => 'a-state',
  clientInformation: () => kept.information ?? information,
  saveClientInformation: (given) => { kept.information = given; },
  tokens: () => kept.tokens,
  saveTokens: (tokens) => { kept.tokens = tokens; },
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: (verifier) => { kept.verifier = verifier; },
  redirectToAuthorization: (address) => { kept.address = address; },
  kept,
});

for (const [how, inform] of [
  ['was registered', () => register({ audiences: [world.issuer] })],
  ['registers itself', () => undefined],
]) {
  test(`a client of the SDK that ${how} finds its way from the resource to a token, and refreshes it`, async () => {
    const person = await makePerson(world);
    const provider = memory(await inform());
    const options = { serverUrl: world.issuer };
    assert.equal(await auth(provider, options), 'REDIRECT');
    const sent = await person.authorize(provider.kept.address, provider.redirectUrl);
    assert.equal(sent.searchParams.get('state'), 'a-state');
    const authorizationCode = sent.searchParams.get('code');
    assert.equal(await auth(provider, { ...options, authorizationCode }), 'AUTHORIZED');
    const first = provider.kept.tokens;
    assert.ok(first.access_token && first.refresh_token);
    assert.equal(await auth(provider, options), 'AUTHORIZED');
    assert.notEqual(provider.kept.tokens.refresh_token, first.refresh_token);
  });
}
