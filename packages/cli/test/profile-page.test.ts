// The page of `vgpu profile --html` in a real browser.
/// <reference lib="dom" />
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findCommand, requireCommands } from '@vgpu/toolchain/system-packages';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProfile } from '../src/profile/document.js';
import { profilePage } from '../src/profile/page.js';
import { SAMPLE_EVENTS } from './profile-samples.js';

const executable = findChromium();
const FLAGS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

function findChromium(): string | undefined {
  try {
    requireCommands(['chromium']);
  } catch (error) {
    console.warn(`skipped: the profile's page in a browser: ${String(error)}`);
  }
  return findCommand('chromium');
}

describe.skipIf(executable === undefined)('the page of a profile', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vgpu-page-'));
  const file = join(folder, 'profile.html');
  let browser: BrowserContext;
  let page: Page;
  const complaints: string[] = [];
  const requests: string[] = [];

  beforeAll(async () => {
    writeFileSync(file, profilePage(makeProfile('./<b>"program"', ['&amp;'], SAMPLE_EVENTS)));
    browser = await chromium.launchPersistentContext(join(folder, 'user'), {
      ...(executable !== undefined && { executablePath: executable }),
      args: FLAGS,
      viewport: { width: 1000, height: 900 },
    });
    page = await browser.newPage();
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(file).href);
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('loads nothing but itself and complains of nothing', () => {
    expect(complaints).toEqual([]);
    expect(requests.filter((url) => !url.startsWith('data:'))).toEqual([pathToFileURL(file).href]);
  });

  it('shows names as they are, not as markup', async () => {
    expect(await page.title()).toBe('Profile of ./<b>"program"');
    expect(await page.locator('h1').textContent()).toBe('Profile of ./<b>"program" &amp;');
    expect(await page.locator('.kernel h2').allInnerTexts()).toEqual([
      'saxpy(int, float, float*, float*)',
      'tile<float, (bool)1>(float const&)',
    ]);
  });

  it('has a bar for each kernel, class and kind of access, as long as its value', async () => {
    const lengths = async (selector: string) => {
      const bars = await page.locator(`${selector} .bar .part`).all();
      return Promise.all(bars.map(async (bar) => Number(await bar.getAttribute('width'))));
    };
    expect(await lengths('.time')).toEqual([100, 33.33]);
    expect(await lengths('.kernel:nth-of-type(1) .mix')).toEqual([100, 30, 10]);
    // 16 kB of 16 kB moved; 8 kB of 32 kB.
    expect(await lengths('.kernel:nth-of-type(1) .traffic')).toEqual([50, 25]);
    expect(await lengths('.kernel:nth-of-type(2) .traffic')).toEqual([100]);
    for (const bar of await page.locator('.bar').all())
      expect((await bar.boundingBox())?.width).toBeGreaterThan(100);
  });

  it('lists the executed lines by heat', async () => {
    const rows = page.locator('.lines tbody tr');
    expect(await rows.evaluateAll((all) => all.map((row) => row.getAttribute('style')))).toEqual([
      '--heat:1.000',
      '--heat:0.100',
    ]);
    expect(await rows.nth(1).locator('td').allInnerTexts()).toEqual([
      '64',
      '31.3',
      '22',
      'st.global.f32 [%rd1], %f4;',
      'saxpy.cu:7; efficiency 25.0 %',
    ]);
    const backgrounds = await rows.evaluateAll((all) =>
      all.map((row) => getComputedStyle(row).backgroundColor),
    );
    expect(new Set(backgrounds).size).toBe(2);
  });

  it.each(['light', 'dark'] as const)('can be read in the %s colour scheme', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    const { paper, inks } = await page.evaluate(() => {
      const color = (element: Element) => getComputedStyle(element).color;
      return {
        paper: getComputedStyle(document.body).backgroundColor,
        inks: ['body', '.value', 'dt', 'td'].map((selector) => {
          const element = document.querySelector(selector);
          return element ? color(element) : '';
        }),
      };
    });
    expect(luminance(paper) > 0.5).toBe(colorScheme === 'light');
    // WCAG 2.2, 1.4.3: 4.5 is enough for text of any size.
    for (const ink of inks) expect(contrast(paper, ink)).toBeGreaterThanOrEqual(4.5);
  });

  it('does not scroll sideways on a phone', async () => {
    await page.setViewportSize({ width: 360, height: 700 });
    const { scrollWidth, clientWidth } = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return { scrollWidth, clientWidth };
    });
    expect(scrollWidth).toBeLessThanOrEqual(clientWidth);
  });
});

/** WCAG 2.2, "relative luminance", of "rgb(1, 2, 3)". */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = (color.match(/[\d.]+/g) ?? []).slice(0, 3).map((text) => {
    const share = Number(text) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}
