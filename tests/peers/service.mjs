// The service itself, as a process on an empty data directory and free ports, and its admin door.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const BINARY = resolve(process.env.AUTH_SERVICE ?? '../../target/debug/auth-service');

const CHOOSE = `
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as store:
    store.execute("UPDATE tenants SET config = json_patch(config, ?)", (sys.argv[2],))
`;

/** Gives a port on which nothing listens now. */
export async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/**
 * Starts the service; gives its issuer, its admin door, where its console is and how to stop it. What `choose` makes of the
 * issuer, the tenant has chosen: no door changes that yet, so it is written into the store in between.
 */
export async function start({ choose, ...settings } = {}) {
  const data = await mkdtemp(join(tmpdir(), 'peers-'));
  const [port, admin, grpc] = [await freePort(), await freePort(), await freePort()];
  const issuer = `http://localhost:${port}`;
  const run = () => spawn(BINARY, ['serve'], {
    cwd: data,
    env: {
      PATH: process.env.PATH,
      DATA_DIR: data,
      PUBLIC_HOST: '127.0.0.1',
      PUBLIC_PORT: String(port),
      ADMIN_PORT: String(admin),
      GRPC_PORT: String(grpc),
      OIDC_ISSUER_URL: issuer,
      ARGON2_MEMORY: '64',
      ARGON2_TIME: '1',
      RATE_LIMIT_RPS: '10000',
      RATE_LIMIT_BURST: '10000',
      LOG_LEVEL: 'warn',
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let process_ = run();
  const key = await readKey(process_);
  if (choose) {
    await end(process_);
    execFileSync('python3', ['-c', CHOOSE, join(data, 'auth.db'), JSON.stringify(choose(issuer))]);
    process_ = run();
    await ready(issuer);
  }
  const door = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${admin}${path}`, {
      method,
      headers: { 'x-api-key': key, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? undefined : answer.json();
  };
  return {
    issuer,
    admin: door,
    console: `http://localhost:${admin}/console`,
    async stop() {
      await end(process_);
      await rm(data, { recursive: true });
    },
  };
}

async function end(process_) {
  process_.kill('SIGTERM');
  await new Promise((done) => process_.once('exit', done));
}

async function ready(issuer) {
  for (let tries = 0; tries < 200; tries += 1) {
    const answer = await fetch(`${issuer}/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('the service did not come back');
}

/** Reads the API key that a first start prints. */
async function readKey(process_) {
  let text = '';
  process_.stdout.setEncoding('utf8');
  return new Promise((found, failed) => {
    process_.once('exit', (status) => failed(new Error(`the service ended with ${status}: ${text}`)));
    process_.stdout.on('data', (part) => {
      text += part;
      const key = text.match(/qf_ak_[A-Za-z0-9_-]+/);
      if (key) found(key[0]);
    });
  });
}
