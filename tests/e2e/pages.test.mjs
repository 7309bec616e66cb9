// Chromium on the hosted pages: a person's whole way, every page looked at in light, dark and on a
// phone, axe on each, and the same way once more with JavaScript off.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { start } from '../peers/service.mjs';
import { LOOKS, launch, look } from './chromium.mjs';

const PASSWORD = 'a quiet garden in the rain';

let service;
let browser;
let application;
let client;
let television;

before(async () => {
  application = await listen();
  service = await start();
  client = await service.admin('POST', '/admin/clients', {
    name: 'Garden Planner',
    client_type: 'web',
    redirect_uris: [`${application.origin}/callback`],
    post_logout_redirect_uris: [`${application.origin}/bye`],
    scopes: ['openid', 'profile', 'email', 'offline_access'],
  });
  television = await service.admin('POST', '/admin/clients', {
    name: 'Television',
    client_type: 'native',
    grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
    scopes: ['openid', 'profile', 'offline_access'],
  });
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await service?.stop();
  application?.server.close();
});

/** The application that people are sent back to: says where they came, and remembers what it was asked. */
async function listen() {
  const asked = [];
  const server = createServer((request, answer) => {
    asked.push(request.url);
    answer.setHeader('content-type', 'text/html');
    answer.end(`<!doctype html><title>Garden Planner</title><h1>${new URL(request.url, 'http://x').pathname}</h1>`);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { server, asked, origin: `http://127.0.0.1:${server.address().port}` };
}

// The pair of RFC 7636 Appendix B.
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const address = (more = {}) =>
  `${service.issuer}/oauth/authorize?${new URLSearchParams({
    client_id: client.client_id,
    response_type: 'code',
    redirect_uri: `${application.origin}/callback`,
    scope: 'openid profile email offline_access',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: 'x',
    ...more,
  })}`;

for (const [name, options] of Object.entries(LOOKS)) {
  test(`a person registers, allows, comes back, and signs out: ${name}`, async () => {
    const context = await browser.newContext({ ...options, bypassCSP: true });
    const page = await context.newPage();
    const email = `${name}@example.org`;

    await page.goto(address());
    await look(page, 'sign-in', name);
    await page.getByLabel('E-mail address').fill(email);
    await page.getByLabel('Password').fill('a wrong password');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('alert').waitFor();
    await look(page, 'sign-in-wrong', name);

    await page.getByRole('link', { name: 'Create an account' }).click();
    await look(page, 'register', name);
    await page.getByLabel('Name').fill('Ada');
    await page.getByLabel('E-mail address').fill(email);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Create an account' }).click();

    await page.getByRole('heading', { name: 'Garden Planner asks for access' }).waitFor();
    await look(page, 'consent', name);
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.waitForURL(`${application.origin}/callback?**`);
    assert.ok(new URL(page.url()).searchParams.get('code'));

    await page.goto(`${service.issuer}/oauth/logout`);
    await look(page, 'sign-out', name);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    await look(page, 'signed-out', name);

    await page.goto(`${service.issuer}/forgotten-password`);
    await look(page, 'forgotten-password', name);
    await page.goto(`${service.issuer}/reset-password?token=qf_ot_x`);
    await look(page, 'reset-password', name);
    await page.goto(address({ redirect_uri: 'https://elsewhere.example/' }));
    assert.equal(await page.locator('#error-code').innerText(), 'invalid_request');
    await look(page, 'error', name);
    await page.goto(`${service.issuer}/verify-email?token=qf_ot_x`);
    await look(page, 'verify-email', name);
    await context.close();
  });
}

for (const [name, options] of Object.entries(LOOKS)) {
  test(`a person connects a device: ${name}`, async () => {
    const answer = await fetch(`${service.issuer}/oauth/device_authorization`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: television.client_id, scope: 'openid profile offline_access' }),
    });
    const device = await answer.json();
    const context = await browser.newContext({ ...options, bypassCSP: true });
    const page = await context.newPage();
    await page.goto(device.verification_uri);
    await look(page, 'device', name);
    await page.getByLabel('Code').fill(device.user_code.toLowerCase());
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByLabel('E-mail address').fill(`${name}@example.org`);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('heading', { name: 'Television asks for access' }).waitFor();
    await look(page, 'device-consent', name);
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.getByRole('heading', { name: 'Your device is connected' }).waitFor();
    await look(page, 'device-connected', name);
    await context.close();
  });
}

test('the page after a sign-out tells an application in a frame, as its policy allows', async () => {
  const told = await service.admin('POST', '/admin/clients', {
    name: 'Tool Shed',
    client_type: 'web',
    is_first_party: true,
    redirect_uris: [`${application.origin}/callback`],
    frontchannel_logout_uri: `${application.origin}/left`,
    frontchannel_logout_session_required: true,
    scopes: ['openid'],
  });
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(address({ client_id: told.client_id, scope: 'openid' }));
  await page.getByLabel('E-mail address').fill('light@example.org');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL(`${application.origin}/callback?**`);
  const redeemed = await fetch(`${service.issuer}/oauth/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${told.client_id}:${told.client_secret}`)}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: new URL(page.url()).searchParams.get('code'),
      code_verifier: verifier,
    }),
  });
  assert.equal(redeemed.status, 200);
  await page.goto(`${service.issuer}/oauth/logout`);
  const framed = page.waitForResponse((answer) => answer.url().startsWith(`${application.origin}/left`));
  await page.getByRole('button', { name: 'Sign out' }).click();
  await framed;
  const said = new URL(application.asked.find((url) => url.startsWith('/left')), application.origin).searchParams;
  assert.equal(said.get('iss'), service.issuer);
  assert.ok(said.get('sid'));
  await context.close();
});

for (const [name, options] of Object.entries(LOOKS)) {
  test(`the page that carries the answer on is there to be seen: ${name}`, async () => {
    const context = await browser.newContext({ ...options, bypassCSP: true });
    const page = await context.newPage();
    // It would be gone in a moment.
    await page.route(`${application.origin}/callback`, (route) => route.abort('aborted'));
    await page.goto(address({ response_mode: 'form_post' }));
    await page.getByLabel('E-mail address').fill('light@example.org');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByRole('button', { name: 'Continue' }).waitFor();
    await look(page, 'continue', name);
    await context.close();
  });
}

test('without JavaScript everything works, by keyboard alone', async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(address({ response_mode: 'form_post', login_hint: 'light@example.org' }));
  // The browser gives the field the focus by itself, a moment after the page has loaded.
  await page.locator('input[type=password]:focus').waitFor();
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Continue' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(`${application.origin}/callback`);
  await context.close();
});

test('with JavaScript the answer posts itself', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(address({ response_mode: 'form_post' }));
  await page.getByLabel('E-mail address').fill('light@example.org');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL(`${application.origin}/callback`);
  await context.close();
});

test("a stranger's page can neither frame nor post our forms", async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${application.origin}/`);
  const framed = await page.evaluate(
    (url) =>
      new Promise((done) => {
        const frame = document.createElement('iframe');
        frame.onload = () => {
          try {
            done(frame.contentDocument?.body.innerText ?? 'hidden');
          } catch {
            done('hidden');
          }
        };
        frame.src = url;
        document.body.append(frame);
      }),
    `${service.issuer}/sign-in`,
  );
  assert.ok(!framed.includes('Password'));
  await page.evaluate((url) => {
    const form = document.createElement('form');
    form.method = 'post';
    form.action = url;
    form.innerHTML = '<input name="email" value="light@example.org"><input name="password" value="x">';
    document.body.append(form);
    form.submit();
  }, `${service.issuer}/sign-in`);
  await page.waitForURL(`${service.issuer}/sign-in`);
  assert.equal(await page.locator('#error-code').innerText(), 'access_denied');
  await context.close();
});
