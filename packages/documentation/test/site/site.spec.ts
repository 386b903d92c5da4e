// The site as `docs:build` has left it, in a real browser: `pnpm docs:test`.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { findCommand, requireCommands } from '@vgpu/toolchain/system-packages';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sidebar } from '../../.vitepress/sidebar.js';
import { serveFolder } from './server.js';

const here = join(import.meta.dirname, '../..');
const site = join(here, 'build/site');
const golden = join(here, '../format/test/golden');
/** For a machine that is busy with much else. */
const DEADLINE_MS = 600_000;
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

const pages: ReadonlyMap<string, string> = new Map(
  readdirSync(site, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.html'))
    .map((file) => [`/${file.split(sep).join('/')}`, readFileSync(join(site, file), 'utf8')]),
);

function links(html: string): string[] {
  return [...html.matchAll(/<a [^>]*href="([^"]*)"/g)].map(([, href = '']) => href.replaceAll('&amp;', '&'));
}

it('every link leads to a page, and to a place on it', () => {
  const broken: string[] = [];
  for (const [path, html] of pages) {
    for (const href of links(html)) {
      if (/^[a-z]+:/.test(href)) continue;
      const [file = '', fragment] = href.split('#');
      const page = file === '' ? path : pageAt(new URL(file, `http://site${path}`).pathname);
      const content = pages.get(page);
      const id = decodeURIComponent(fragment ?? '');
      if (content === undefined || (id !== '' && !content.includes(`id="${id}"`)))
        broken.push(`${path}: ${href}`);
    }
  }
  expect(broken).toEqual([]);
});

function pageAt(path: string): string {
  if (path.endsWith('/')) return `${path}index.html`;
  return path.endsWith('.html') ? path : `${path}.html`;
}

it('every page is in the menu, but for those of the API', () => {
  const listed = [...JSON.stringify(sidebar).matchAll(/"link":"([^"]*)"/g)].map(([, link = '']) =>
    pageAt(link),
  );
  const expected = [...pages.keys()].filter(
    (path) => path !== '/index.html' && path !== '/404.html' && !/^\/reference\/api\/(?!index)/.test(path),
  );
  expect(listed.sort()).toEqual(expected.sort());
});

describe('in a browser', () => {
  const profile = mkdtempSync(join(tmpdir(), 'vgpu-site-'));
  let browser: BrowserContext;
  let page: Page;
  let server: Server;
  let origin: string;
  const complaints: string[] = [];

  beforeAll(async () => {
    requireCommands(['chromium']);
    const executablePath = findCommand('chromium') ?? 'chromium';
    ({ server, origin } = await serveFolder(site));
    browser = await chromium.launchPersistentContext(profile, {
      executablePath,
      args: FLAGS,
    });
    page = await browser.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning')
        complaints.push(`${page.url()}: ${message.text()}`);
    });
    page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`));
    page.on('requestfailed', (request) => {
      // Pages fetch ahead what they link to, until they are left.
      const { errorText = '' } = request.failure() ?? {};
      if (errorText !== 'net::ERR_ABORTED') complaints.push(`${request.url()}: ${errorText}`);
    });
    page.on('response', (response) => {
      if (!response.ok() && response.status() !== 304)
        complaints.push(`${response.url()}: ${response.status()}`);
    });
  }, DEADLINE_MS);

  afterAll(async () => {
    await browser?.close();
    server?.close();
    rmSync(profile, { recursive: true, force: true });
  });

  it('no page complains', { timeout: DEADLINE_MS }, async () => {
    for (const path of pages.keys()) {
      if (path === '/404.html') continue;
      await page.goto(`${origin}${path}`, { timeout: 120_000 });
      // Until then a page may still find that the server rendered something else.
      await page.waitForFunction(() => '__vue_app__' in (document.querySelector('#app') ?? {}));
      expect(await page.title(), path).not.toMatch(/^404/);
    }
    expect(complaints).toEqual([]);
  });

  async function drop(file: string): Promise<string> {
    await page.goto(`${origin}/playground.html`, { timeout: 120_000, waitUntil: 'load' });
    // A page that is not alive yet hears nothing; so it is asked again until it answers.
    await expect
      .poll(
        async () => {
          await page.locator('input[type=file]').setInputFiles([]);
          await page.locator('input[type=file]').setInputFiles(join(golden, file));
          return page.locator('.result h2').count();
        },
        { timeout: 120_000, interval: 200 },
      )
      .toBe(1);
    return (await page.locator('.result').textContent()) ?? '';
  }

  it('the playground shows header, slots and values of a file', { timeout: DEADLINE_MS }, async () => {
    const text = await drop('triangular_f64_2x2.pycauset');
    expect(text).toMatch(/kind\s*container/);
    expect(text).toContain('Slot A');
    expect(text).toContain('Slot B');
    expect(text).toMatch(/structure\s*triangular/);
    expect(await page.locator('.values td').allInnerTexts()).toEqual(['0', '-3.0999999999999996', '0', '0']);
    expect(await page.locator('[role=alert]').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('the playground says what is wrong with a file', { timeout: DEADLINE_MS }, async () => {
    const text = await drop('broken/endian_255.pycauset');
    expect(text).toContain('ERR_VGPU_FORMAT_OUT_OF_RANGE');
    expect(await page.locator('.values').count()).toBe(0);
    expect(complaints).toEqual([]);
  });
});
