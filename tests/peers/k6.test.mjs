// The scripts for k6 in loadtests/k6: that each can be parsed. k6 itself is not run here.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PLACE = fileURLToPath(new URL('../../loadtests/k6/', import.meta.url));
const SCRIPTS = readdirSync(PLACE).filter((name) => name.endsWith('.js'));

test('there is a script for each flow', () => {
  const flows = ['jwks.js', 'login.js', 'me.js', 'refresh.js', 'register.js'];
  assert.deepEqual(flows.filter((name) => !SCRIPTS.includes(name)), []);
});

for (const name of SCRIPTS) {
  test(`loadtests/k6/${name} can be parsed`, () => {
    execFileSync(process.execPath, ['--check', PLACE + name], { stdio: 'pipe' });
  });
}
