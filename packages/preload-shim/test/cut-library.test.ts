// A library that a crash or a full disk has cut short must be one that the loader leaves out. glibc maps what the
// program headers say without asking how long the file is; so they are at its end (toolchain/src/headers-last.mjs).
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { guestLibrary } from '../src/index.js';

const PAGE = 4096;
const bytes = readFileSync(guestLibrary().library);
const pages = Array.from({ length: Math.ceil(bytes.length / PAGE) }, (_, index) => index * PAGE);

const warnings =
  /^(file too short|cannot read file data|invalid ELF header|object file has no loadable segments)$/;

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vgpu-cut-'));
});
beforeEach(() => {
  path = join(folder, 'library.so');
  writeFileSync(path, bytes);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What a program says that has the file preloaded, and how it ends. */
function load(): { ending: string; warning: string } {
  const { status, signal, stdout, stderr } = spawnSync('/bin/sh', ['-c', 'echo out; exit 3'], {
    env: { LD_PRELOAD: path },
    encoding: 'utf8',
  });
  const warning = /^ERROR: ld\.so: object '.*' from LD_PRELOAD cannot be preloaded \((.*)\): ignored\.\n$/;
  return { ending: `${signal ?? status} ${stdout}`, warning: warning.exec(stderr)?.[1] ?? stderr };
}

function expectLeftOut(what: string): void {
  const { ending, warning } = load();
  expect(ending, what).toBe('3 out\n');
  expect(warning, what).toMatch(warnings);
}

describe('a program runs as without the library', { timeout: 300_000 }, () => {
  it('which it has while the file is whole', () => {
    expect(load()).toEqual({ ending: '3 out\n', warning: '' });
  });

  it('when the file ends earlier: by each of the last bytes, in and beside pages', () => {
    const last = Array.from({ length: 64 }, (_, index) => bytes.length - 1 - index);
    // Beside each eighth one, for the time that it takes.
    const beside = pages.filter((page) => page % (8 * PAGE) === 0).flatMap((page) => [page - 1, page + 1]);
    const lengths = new Set([...last, ...pages, ...beside.filter((length) => length > 0)]);
    for (const length of [...lengths].sort((a, b) => b - a)) {
      truncateSync(path, length);
      expectLeftOut(`${length} bytes`);
    }
  });

  it('when its end has become zeros, as after a power cut, from any page on', () => {
    const file = openSync(path, 'r+');
    try {
      for (const page of pages.toReversed()) {
        writeSync(file, Buffer.alloc(Math.min(PAGE, bytes.length - page)), 0, undefined, page);
        expectLeftOut(`zeros from ${page} on`);
      }
    } finally {
      closeSync(file);
    }
  });
});
