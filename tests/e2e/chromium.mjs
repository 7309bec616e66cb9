// Chromium as the tests use it: how it is started, in which looks pages are seen, and how one is judged.
//
// SCREENSHOTS=docs/pages keeps what was seen.

import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const KEPT = process.env.SCREENSHOTS;
const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const LOOKS = {
  light: { viewport: { width: 1024, height: 768 }, colorScheme: 'light' },
  dark: { viewport: { width: 1024, height: 768 }, colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: 'light' },
};

/** Starts the browser. */
export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
});

/**
 * Looks at a page: it is no wider than its window (WCAG 2.2, 1.4.10), axe finds no serious fault, and the picture is
 * kept where that is asked for.
 */
export async function look(page, name, look) {
  if (KEPT) {
    await mkdir(KEPT, { recursive: true });
    await page.screenshot({ path: `${KEPT}/${name}-${look}.png`, fullPage: true });
  }
  const beyond = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
  assert.ok(beyond <= 0, `${name} is ${beyond} pixels wider than its window`);
  // The page's own policy lets no script but ours run, so axe is run beside it.
  const found = await page.evaluate(`${AXE}; axe.run()`);
  const serious = found.violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes[0].html]), [], name);
}
