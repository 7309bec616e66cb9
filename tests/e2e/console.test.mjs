// Chromium at the operators' console: sign in through our own code flow with a password and an app, or
// with a passkey alone; look at every page; do what an operator does. Every page is looked at.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { start } from '../peers/service.mjs';
import { code } from './app.mjs';
import { LOOKS, launch, look } from './chromium.mjs';

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
      ['Clients', 'Clients'], ['Roles', 'Roles'], ['Keys', 'Signing keys'], ['Supervision', 'Supervision'],
      ['Users', 'Users'],
    ]) {
      await page.getByRole('navigation', { name: 'Console' }).getByRole('link', { name: label }).click();
      await heading(page, title);
      await look(page, `console-${label.toLowerCase()}`, name);
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
