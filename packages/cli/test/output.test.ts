import { describe, expect, it } from 'vitest';
import { formatBytes, parseBytes } from '../src/output/bytes.js';
import { drawPicture } from '../src/output/picture.js';
import { progressBar } from '../src/output/progress-bar.js';

describe('sizes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1024 ** 2 - 1, '1.0 MiB'],
    [100 * 1024, '100 KiB'],
    [2 ** 40 * 1.25, '1.3 TiB'],
    [2 ** 53, '8.0 PiB'],
  ])('%d is written as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    ['4096', 4096],
    ['64MiB', 64 * 2 ** 20],
    ['64M', 64 * 2 ** 20],
    ['1.5 GB', 1.5e9],
    ['0.5kib', 512],
    ['7 b', 7],
    ['', undefined],
    ['-1', undefined],
    ['1e3', undefined],
    ['12 parsecs', undefined],
    ['9999999PiB', undefined],
  ])('%j is read as %j', (text, bytes) => expect(parseBytes(text)).toBe(bytes));
});

describe('the picture', () => {
  const boxes = [
    { name: 'header', offset: 0, length: 16 },
    { name: 'payload', offset: 16, length: 64 },
    { name: 'gap', offset: 80, length: 32, empty: true },
  ];
  const options = { tallest: 2, formatLength: (bytes: number) => `${bytes}` };

  it('in ASCII', () => {
    expect(drawPicture(boxes, { ...options, unicode: false })).toEqual([
      '  0 +-------------+',
      '    | header   16 |',
      '    |             |',
      ' 16 +-------------+',
      '    | payload  64 |',
      '    |             |',
      '    |             |',
      ' 80 +-------------+',
      '    | gap      32 |',
      '    | ........... |',
      '112 +-------------+',
    ]);
  });

  it('in Unicode', () => {
    const lines = drawPicture(boxes, { ...options, unicode: true });
    expect(lines[0]).toBe('  0 ┌─────────────┐');
    expect(lines[3]).toBe(' 16 ├─────────────┤');
    expect(lines.at(-2)).toBe('    │ ░░░░░░░░░░░ │');
    expect(lines.at(-1)).toBe('112 └─────────────┘');
  });

  it('of nothing is nothing', () => expect(drawPicture([], { ...options, unicode: true })).toEqual([]));
});

it('the progress bar says how much is done, how fast, and how long it will take', () => {
  let now = 0;
  const bar = progressBar(() => now);
  expect(bar(0, 2 ** 30)).toBe('[                    ] 0 %, 0 B of 1.0 GiB');
  now = 2000;
  expect(bar(2 ** 28, 2 ** 30)).toBe('[#####               ] 25 %, 256 MiB of 1.0 GiB, 128 MiB/s, 6 s left');
  expect(bar(0, 0)).toContain('100 %');
});
