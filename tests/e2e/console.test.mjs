// Chromium at the operators' console: sign in through our own code flow with a password and an app, or
// with a passkey alone; look at every page; do what an operator does. Every page is looked at.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { start } from '../peers/service.mjs';
import { code } from './app.mjs';
import { LOOKS, launch, look } from './chromium.mjs';
import { IDP, link } from './elsewhere.mjs';

const PASSWORD = 'a quiet garden in the rain';

let service;
let browser;

before(async () => {
  service = await start();
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await service?.stop();
});

/** Makes an account, and an operator of it if that is asked for. */
async function person(email, roles = ['user', 'admin']) {
  const { id } = await service.admin('POST', '/admin/users', { email, name: 'Ada', password: PASSWORD, roles });
  return id;
}

async function typePassword(page, email) {
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** Opens the console, where somebody without a second factor is led to bind an app; gives its secret. */
async function enter(page, email) {
  await page.goto(service.console);
  await typePassword(page, email);
  await page.locator('button[value=totp]').click();
  const secret = await page.locator('#secret').innerText();
  await page.locator('#code').fill(code(secret));
  await page.keyboard.press('Enter');
  await page.locator('ol.codes').waitFor();
  await page.locator('a.button').click();
  return secret;
}

/** Signs somebody in by the API, as an application of theirs does. */
async function signIn(email) {
  const answer = await fetch(`${service.issuer}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD }),
  });
  assert.equal(answer.status, 200, await answer.text());
}

async function heading(page, name) {
  await page.getByRole('heading', { name, level: 1 }).waitFor();
}

/** Presses the button of the question that a link leads to; a page then says that it was done. */
async function answer(page, link, button) {
  await page.getByRole('link', { name: link, exact: true }).click();
  await page.getByRole('button', { name: button }).click();
  await page.getByRole('status').waitFor();
}

for (const [name, options] of Object.entries(LOOKS)) {
  test(`an operator ends sign-ins, sees to keys, tenants and the trail: ${name}`, async () => {
    const context = await browser.newContext({ ...options, bypassCSP: true });
    const page = await context.newPage();
    const id = await person(`keeper-${name}@example.org`);
    await enter(page, `keeper-${name}@example.org`);
    await heading(page, 'Overview');

    const guest = `visitor-${name}@example.org`;
    const visitor = await person(guest, ['user']);
    for (let times = 0; times < 2; times += 1) await signIn(guest);
    await page.goto(`${service.console}/users/${visitor}`);
    await look(page, 'console-user-sessions', name);
    await page.getByRole('link', { name: /^End / }).first().click();
    await look(page, 'console-session-end', name);
    await page.getByRole('button', { name: 'End the sign-in' }).click();
    await page.getByText('That sign-in has ended.').waitFor();
    await answer(page, 'End all its sign-ins', 'End all sign-ins');
    await page.getByText('It is signed in nowhere.').waitFor();
    await link(service, visitor, `${name}/1`);
    await page.reload();
    await look(page, 'console-user-linked', name);
    await page.getByRole('link', { name: `Unlink ${name}/1 of ${IDP}`, exact: true }).click();
    await look(page, 'console-unlink', name);
    await page.getByRole('button', { name: 'Unlink the account' }).click();
    await page.getByText('It is linked to no account elsewhere.').waitFor();

    await page.goto(`${service.console}/apikeys/new`);
    await page.getByLabel('Name').fill(`Reports ${name}`);
    await page.getByLabel('Scopes').fill('admin:users:read');
    await page.getByLabel('Limit').fill('60');
    await page.getByLabel('Works until').fill('2099-01-31T12:00');
    await look(page, 'console-api-key-new', name);
    await page.getByRole('button', { name: 'Make the API key' }).click();
    assert.match(await page.locator('#secret').innerText(), /^qf_ak_/);
    await look(page, 'console-api-key-once', name);
    await page.getByRole('link', { name: 'I have kept it' }).click();
    await look(page, 'console-api-key', name);
    await page.getByRole('link', { name: 'Change' }).click();
    assert.equal(await page.getByLabel('Works until').inputValue(), '2099-01-31T12:00');
    await page.getByLabel('Limit').fill('');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('as often as anybody').waitFor();
    await page.getByRole('link', { name: 'Rotate' }).click();
    await look(page, 'console-api-key-rotate', name);
    await page.getByRole('button', { name: 'Make the new one' }).click();
    await page.getByText('The one before works until').waitFor();
    await page.getByRole('link', { name: 'I have kept it' }).click();
    await answer(page, 'Revoke', 'Revoke the API key');

    await page.goto(`${service.console}/tenants/new`);
    await page.getByLabel('Slug').fill(`acme-${name}`);
    await page.getByLabel('Name').fill(`Acme ${name}`);
    await look(page, 'console-tenant-new', name);
    await page.getByRole('button', { name: 'Make the tenant' }).click();
    await heading(page, `Acme ${name}`);
    await look(page, 'console-tenant', name);
    await page.getByRole('link', { name: 'Suspend' }).click();
    await page.getByLabel('Why').fill('unpaid');
    await page.getByRole('button', { name: 'Suspend the tenant' }).click();
    await page.getByRole('status').waitFor();
    await answer(page, 'Open again', 'Open the tenant');
    await page.getByRole('link', { name: 'Delete' }).click();
    await look(page, 'console-tenant-delete', name);
    await page.getByRole('button', { name: 'Delete the tenant' }).click();
    await page.getByText('Until its day it can be restored.').waitFor();
    await look(page, 'console-tenant-deleted', name);
    await answer(page, 'Restore', 'Restore the tenant');

    await page.goto(`${service.console}/audit`);
    await page.getByLabel('To whom').fill(guest);
    await page.getByLabel('What', { exact: true }).selectOption('session.ended');
    await page.getByLabel('From, in UTC').fill('2020-01-01T00:00');
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('2 found.').waitFor();
    await look(page, 'console-audit-found', name);
    const downloading = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Take these along, as JSON lines' }).click();
    const file = await (await downloading).path();
    const lines = (await readFile(file, 'utf8')).trim().split('\n').map((line) => JSON.parse(line));
    assert.deepEqual(lines.map(({ event, actor_id: by }) => [event, by]), [
      ['session.ended', id], ['session.ended', id],
    ]);
    await page.locator('tbody a').first().click();
    await heading(page, 'session.ended');
    await look(page, 'console-audit-entry', name);
    await page.goto(`${service.console}/audit?from=noon`);
    await page.getByRole('alert').waitFor();
    await look(page, 'console-audit-problem', name);
    await page.goto(`${service.console}/audit/checkpoints`);
    await page.getByText('all there').first().waitFor();
    await look(page, 'console-checkpoints', name);

    await page.goto(`${service.console}/keys`);
    const active = await page.locator('tbody tr').first().locator('code').innerText();
    await page.getByRole('link', { name: `Revoke ${active.slice(0, 8)}` }).click();
    await look(page, 'console-key-revoke', name);
    await page.getByLabel('Its name, once more').fill('another');
    await page.getByRole('button', { name: 'Revoke the key' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Its name, once more').fill(active);
    await page.getByRole('button', { name: 'Revoke the key' }).click();
    await page.getByText('The key was revoked.').waitFor();
    assert.ok(!(await page.content()).includes(active));
    await context.close();
  });

  test(`an operator signs in, looks around, does what is to be done, and signs out: ${name}`, async () => {
    // axe is run beside the page's policy.
    const context = await browser.newContext({ ...options, bypassCSP: true });
    const page = await context.newPage();
    const email = `operator-${name}@example.org`;
    await person(email);
    await person(`guest-${name}@example.org`, ['user']);

    const secret = await enter(page, email);
    await heading(page, 'Overview');
    assert.equal(await page.locator('figure.chart svg[role=img]').count(), 5);
    await look(page, 'console-overview', name);

    for (const [label, title] of [
      ['Clients', 'Clients'], ['API keys', 'API keys'], ['Roles', 'Roles'], ['Tenants', 'Tenants'],
      ['Audit trail', 'Audit trail'], ['Keys', 'Signing keys'], ['Supervision', 'Supervision'], ['Users', 'Users'],
    ]) {
      await page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: label, exact: true }).click();
      await heading(page, title);
      await look(page, `console-${label.toLowerCase().replace(' ', '-')}`, name);
    }

    await page.getByLabel('Address or name begins with').fill(`guest-${name}`);
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('link', { name: `guest-${name}@example.org` }).click();
    await look(page, 'console-user', name);
    await page.getByRole('link', { name: 'Lock', exact: true }).click();
    await look(page, 'console-lock', name);
    await page.getByLabel('Why').fill('left the company');
    await page.getByRole('button', { name: 'Lock the account' }).click();
    await page.getByText('The account is locked').waitFor();
    await answer(page, 'Open again', 'Open the account');
    await answer(page, 'Take away its second factors', 'Take them away');
    await answer(page, 'Delete', 'Delete the account');

    await page.goto(`${service.console}/clients/new`);
    await page.getByLabel('Name').fill(`Robot ${name}`);
    await page.getByLabel('Type').selectOption('service');
    await page.getByLabel('Grants').fill('client_credentials');
    await page.getByLabel('Scopes').fill('read');
    await look(page, 'console-client-new', name);
    await page.getByRole('button', { name: 'Register the client' }).click();
    const shown = await page.locator('#secret').innerText();
    assert.match(shown, /^qf_cs_/);
    await look(page, 'console-secret', name);
    await page.getByRole('link', { name: 'I have kept it' }).click();
    await look(page, 'console-client', name);
    assert.ok(!(await page.content()).includes('qf_cs_'), 'it is shown once');
    await answer(page, 'Delete', 'Delete the client');

    await page.goto(`${service.console}/roles/new`);
    await page.getByLabel('Name').fill(`clerk-${name}`);
    await page.getByRole('button', { name: 'Make the role' }).click();
    await page.getByRole('status').waitFor();
    await page.goto(`${service.console}/roles/explain?subject=admin&object=admin:users&action=write`);
    await page.getByText('the role admin is allowed everything').waitFor();
    await look(page, 'console-explain', name);
    await page.goto(`${service.console}/keys/rotate`);
    await page.getByRole('button', { name: 'Rotate' }).click();
    await page.getByRole('alert').waitFor();
    await look(page, 'console-problem', name);

    await page.getByRole('link', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await heading(page, 'You are signed out');
    await look(page, 'console-signed-out', name);
    await page.goto(`${service.console}/users`);
    await typePassword(page, email);
    await page.locator('#code').fill(code(secret, 1));
    await page.keyboard.press('Enter');
    await heading(page, 'Users');
    await context.close();
  });

  test(`who is no operator is told so: ${name}`, async () => {
    const context = await browser.newContext({ ...options, bypassCSP: true });
    const page = await context.newPage();
    const email = `nobody-${name}@example.org`;
    await person(email, ['user']);
    await enter(page, email);
    await heading(page, 'This is not for you');
    assert.equal(await page.locator('#error-code').innerText(), 'insufficient_scope');
    await look(page, 'console-refused', name);
    await context.close();
  });
}

test('a passkey alone opens the console, under the page\'s own policy', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  const refused = [];
  page.on('console', (message) => {
    if (message.type() === 'error') refused.push(message.text());
  });
  const session = await context.newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true,
    },
  });
  const email = 'passkey@example.org';
  await person(email);
  await page.goto(service.console);
  await typePassword(page, email);
  await page.locator('button[value=passkey]').click();
  await page.getByLabel('Name').fill('Laptop');
  await page.locator('[data-passkey-button]').click();
  await page.locator('ol.codes').waitFor();
  await page.locator('a.button').click();
  await heading(page, 'Overview');
  await page.getByRole('link', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await heading(page, 'You are signed out');
  // Nothing is typed: the authenticator answers what the sign-in page asks by itself.
  await page.goto(`${service.console}/tree?live=1`);
  await heading(page, 'Supervision');
  const cookies = await context.cookies();
  const kept = cookies.find(({ name }) => name === '__Host-console');
  assert.ok(kept.httpOnly && kept.secure && kept.sameSite === 'Lax');
  assert.equal(await page.evaluate(() => document.cookie), '', 'a script reads no cookie');
  assert.deepEqual(refused, [], 'nothing on the pages is against their policy');
  await context.close();
});

test('without JavaScript everything is there', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  const email = 'plain@example.org';
  await person(email);
  await enter(page, email);
  await heading(page, 'Overview');
  await page.goto(`${service.console}/roles/new`);
  await page.getByLabel('Name').fill('plain');
  await page.getByRole('button', { name: 'Make the role' }).click();
  await page.getByRole('status').waitFor();
  await page.getByRole('link', { name: 'Delete plain' }).click();
  await page.getByRole('button', { name: 'Delete the role' }).click();
  await page.getByText('The role was deleted').waitFor();
  await context.close();
});
