// Chromium with an authenticator of its own (CDP, WebAuthn.addVirtualAuthenticator) on the pages about
// second factors and the account: bind a passkey, sign in by it alone and beside a password, also among
// what the browser fills in; bind an app; see to one's account. Every page is looked at.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { start } from '../peers/service.mjs';
import { code } from './app.mjs';
import { LOOKS, launch, look } from './chromium.mjs';
import { link } from './elsewhere.mjs';

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

/** Opens a window whose machine has an authenticator that knows its owner. */
async function open(options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { context, page, session, authenticatorId };
}

async function register(page, email) {
  await page.goto(`${service.issuer}/register`);
  await page.getByLabel('Name').fill('Ada');
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create an account' }).click();
  await page.getByRole('heading', { name: 'You are signed in' }).waitFor();
}

async function signOut(page) {
  await page.goto(`${service.issuer}/oauth/logout`);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
}

async function typePassword(page, email) {
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

for (const [name, options] of Object.entries(LOOKS)) {
  test(`a passkey is bound, signs in, is the second factor, and is removed: ${name}`, async () => {
    // axe is run beside the page's policy.
    const { context, page, session, authenticatorId } = await open({ ...options, bypassCSP: true });
    const email = `${name}@example.org`;
    await register(page, email);

    await page.goto(`${service.issuer}/account/factors`);
    await look(page, 'account-factors-none', name);
    await page.goto(`${service.issuer}/bind-factor`);
    await look(page, 'bind-factor', name);
    await page.locator('button[value=passkey]').click();
    await page.getByLabel('Name').fill('My laptop');
    await look(page, 'bind-passkey', name);
    await page.locator('[data-passkey-button]').click();
    await page.locator('ol.codes').waitFor();
    await look(page, 'backup-codes', name);
    assert.equal(await page.locator('ol.codes li').count(), 10);
    const { credentials } = await session.send('WebAuthn.getCredentials', { authenticatorId });
    assert.equal(credentials.length, 1);
    assert.ok(credentials[0].isResidentCredential);

    // The whole sign-in, by the button; the browser must not offer it by itself meanwhile.
    await session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: false });
    await signOut(page);
    await page.goto(`${service.issuer}/sign-in?request=account.factors`);
    await look(page, 'sign-in-passkey', name);
    await session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: true });
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click().catch(() => {});
    await page.waitForURL(`${service.issuer}/account/factors`);
    await look(page, 'account-factors', name);

    // Beside a password.
    await session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: false });
    await signOut(page);
    await page.goto(`${service.issuer}/sign-in`);
    await typePassword(page, email);
    await page.locator('form[action$="/second-factor"]').waitFor();
    await look(page, 'second-factor-passkey', name);
    await session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: true });
    await page.locator('[data-passkey-button]').click();
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor();

    for (const place of ['', '/password', '/sessions', '/applications', '/activity', '/data']) {
      await page.goto(`${service.issuer}/account${place}`);
      await look(page, `account${place.replace('/', '-')}`, name);
    }
    const { users } = await service.admin('GET', `/admin/users?search=${encodeURIComponent(email)}`);
    await link(service, users[0].id, name);
    await page.goto(`${service.issuer}/account`);
    await page.getByRole('heading', { name: 'Linked accounts' }).waitFor();
    await look(page, 'account-linked', name);
    await page.goto(`${service.issuer}/account/factors`);
    await page.getByRole('link', { name: 'Rename: My laptop' }).click();
    await look(page, 'account-rename', name);
    await page.getByLabel('Name').fill('Old laptop');
    await page.keyboard.press('Enter');
    await page.getByRole('status').waitFor();
    await page.getByRole('link', { name: 'Remove: Old laptop' }).click();
    await look(page, 'account-confirm', name);
    await page.getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('status').waitFor();
    assert.ok(!(await page.content()).includes('Old laptop'));

    await page.goto(`${service.issuer}/account/data/delete`);
    await page.getByRole('button', { name: 'Delete the account' }).click();
    await page.getByRole('heading', { name: 'Your account is deleted' }).waitFor();
    await look(page, 'account-deleted', name);
    // The authenticator still has the passkey that was removed, and must not offer it by itself.
    await session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: false });
    await page.goto(`${service.issuer}/sign-in?request=account`);
    await typePassword(page, email);
    await page.getByRole('heading', { name: 'This account was deleted' }).waitFor();
    await look(page, 'account-restore', name);
    await page.getByRole('button', { name: 'Restore the account' }).click();
    await page.waitForURL(`${service.issuer}/account`);
    await context.close();
  });

  test(`an app is bound and asked for: ${name}`, async () => {
    const { context, page } = await open({ ...options, bypassCSP: true });
    const email = `app-${name}@example.org`;
    await register(page, email);
    await page.goto(`${service.issuer}/bind-factor`);
    await page.locator('button[value=totp]').click();
    await look(page, 'bind-app', name);
    const secret = await page.locator('#secret').innerText();
    await page.locator('#code').fill(code(secret));
    await page.keyboard.press('Enter');
    await page.locator('ol.codes').waitFor();
    const backup = await page.locator('ol.codes li').first().innerText();
    await signOut(page);
    await page.goto(`${service.issuer}/sign-in`);
    await typePassword(page, email);
    await page.locator('form[action$="/second-factor"]').waitFor();
    await look(page, 'second-factor', name);
    await page.locator('#code').fill('000000');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await look(page, 'second-factor-wrong', name);
    await page.locator('#code').fill(code(secret, 1));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor();
    await signOut(page);
    await page.goto(`${service.issuer}/sign-in`);
    await typePassword(page, email);
    await page.locator('a[href*="method=backup"]').click();
    await look(page, 'second-factor-backup', name);
    await page.locator('a[href*="/recover-factor"]').click();
    await look(page, 'recover-factor', name);
    await page.locator('a[href*="/second-factor"]').click();
    await page.locator('a[href*="method=backup"]').click();
    await page.locator('#code').fill(backup);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'You are signed in' }).waitFor();
    await context.close();
  });
}

test('the browser offers a passkey where the address is typed', async () => {
  // Without the policy set aside: what the page runs is what its own policy lets it.
  const { context, page } = await open();
  await register(page, 'offered@example.org');
  await page.goto(`${service.issuer}/bind-passkey`);
  await page.getByLabel('Name').fill('Phone');
  await page.locator('[data-passkey-button]').click();
  await page.locator('ol.codes').waitFor();
  await signOut(page);
  // Nothing is clicked or typed: the authenticator answers what the page asks by itself.
  await page.goto(`${service.issuer}/sign-in`);
  await page.getByRole('heading', { name: 'You are signed in' }).waitFor();
  assert.ok((await page.content()).includes('offered@example.org'));
  await context.close();
});

test('without JavaScript an app is bound and asked for, and an account is looked after', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  const email = 'plain@example.org';
  await register(page, email);
  await page.goto(`${service.issuer}/bind-factor`);
  await page.locator('button[value=totp]').click();
  const secret = await page.locator('#secret').innerText();
  await page.locator('#code').fill(code(secret));
  await page.keyboard.press('Enter');
  await page.locator('ol.codes').waitFor();
  await signOut(page);
  await page.goto(`${service.issuer}/sign-in?request=account.factors`);
  await typePassword(page, email);
  await page.locator('#code').fill(code(secret, 1));
  await page.keyboard.press('Enter');
  await page.waitForURL(`${service.issuer}/account/factors`);
  for (const place of ['/sessions', '/applications', '/activity', '/data']) {
    await page.goto(`${service.issuer}/account${place}`);
    await page.getByRole('navigation').first().waitFor();
  }
  await page.goto(`${service.issuer}/account/factors/app/remove`);
  await page.getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('status').waitFor();
  await page.goto(`${service.issuer}/account/data/delete`);
  await page.getByRole('button', { name: 'Delete the account' }).click();
  await page.getByRole('heading', { name: 'Your account is deleted' }).waitFor();
  await context.close();
});

test('a password can be seen while it is typed, and only with JavaScript is that offered', async () => {
  const { context, page } = await open();
  await page.goto(`${service.issuer}/sign-in`);
  await page.getByLabel('Password', { exact: true }).fill('secret');
  const button = page.getByRole('button', { name: 'Show the password' });
  await button.click();
  assert.equal(await page.locator('#password').getAttribute('type'), 'text');
  assert.equal(await button.getAttribute('aria-pressed'), 'true');
  await button.click();
  assert.equal(await page.locator('#password').getAttribute('type'), 'password');
  await context.close();
  const plain = await browser.newContext({ javaScriptEnabled: false });
  const other = await plain.newPage();
  await other.goto(`${service.issuer}/sign-in`);
  assert.equal(await other.getByRole('button', { name: 'Show the password' }).count(), 0);
  assert.equal(await other.locator('[data-passkey-button]:visible').count(), 0);
  await plain.close();
});
