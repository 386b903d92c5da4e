import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const module = pathToFileURL(join(import.meta.dirname, '../src/system-packages.mjs')).href;
const CHECK = `
  const { ensureSystemPackages, requireCommands } = await import(${JSON.stringify(module)});
  try {
    process.argv[1] ? requireCommands([process.argv[1]]) : ensureSystemPackages();
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
`;
// What asks for privileges must run without them, also where the tests run as root.
const ordinaryUser = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

/** A machine made of shell scripts: PATH holds nothing else. */
let machine: string;

beforeEach(() => {
  machine = mkdtempSync(join(tmpdir(), 'vgpu-machine-'));
  spawnSync('chmod', ['777', machine]);
  command('cc', 'exit 0');
  // The preprocessor's answer: whatever the file says is missing.
  command(
    'c++',
    `while read -r line; do :; done; [ -e ${machine}/installed ] || echo "$(/bin/cat ${machine}/missing 2>/dev/null)"`,
  );
  command('cmake', 'echo cmake version 3.25.1');
  command('ninja', 'exit 0');
  command('pkg-config', 'exit 0');
});

afterEach(() => rmSync(machine, { recursive: true }));

function command(name: string, script: string): void {
  writeFileSync(join(machine, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}

function missHeader(index: number): void {
  writeFileSync(join(machine, 'missing'), `missing_${index}\n`);
}

function aptGet(outcome: string): void {
  command('apt-get', `echo "$@" >> ${machine}/apt.log\n${outcome}`);
}

/** A sudo that needs no password. */
function sudo(): void {
  command('sudo', '[ "$1" = -n ] && shift; exec "$@"');
  command('env', 'shift; exec "$@"');
  command('true', 'exit 0');
}

function check(...args: string[]) {
  return spawnSync(process.execPath, ['--input-type=module', '-e', CHECK, ...args], {
    env: { PATH: machine },
    encoding: 'utf8',
    ...ordinaryUser,
  });
}

describe('system packages', () => {
  it('says and does nothing when all is there', () => {
    aptGet('exit 1');
    expect(check()).toMatchObject({ status: 0, stdout: '', stderr: '' });
    expect(existsSync(join(machine, 'apt.log'))).toBe(false);
  });

  it('prints one line to paste when it may not install', () => {
    aptGet('exit 0');
    missHeader(1);
    const result = check();
    expect(result.status).toBe(1);
    expect(result.stderr).toBe(
      'vgpu: system packages are missing; paste: sudo apt-get update && ' +
        'sudo apt-get install -y --no-install-recommends liblz4-dev\n',
    );
    expect(existsSync(join(machine, 'apt.log'))).toBe(false);
  });

  it('installs with a sudo that asks nothing, and says so', () => {
    aptGet(`[ "$1" = install ] && : > ${machine}/installed; exit 0`);
    sudo();
    missHeader(0);
    expect(check()).toMatchObject({
      status: 0,
      stderr: 'vgpu: installing system packages: libzstd-dev\n',
    });
    expect(readFileSync(join(machine, 'apt.log'), 'utf8')).toBe(
      'update\ninstall -y --no-install-recommends libzstd-dev\n',
    );
  });

  it('shows what apt-get said when it fails', () => {
    aptGet('[ "$1" = update ] && exit 0; echo E: no such package >&2; exit 100');
    sudo();
    missHeader(2);
    const result = check();
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('E: no such package');
    expect(result.stderr).toMatch(/apt-get failed .*; paste: .* doctest-dev\n$/);
  });

  it('notices that installing did not help', () => {
    aptGet('exit 0');
    sudo();
    missHeader(0);
    const result = check();
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('still not usable after installing: libzstd-dev');
  });

  it('names everything at once when even the compiler is missing', () => {
    rmSync(join(machine, 'c++'));
    rmSync(join(machine, 'ninja'));
    aptGet('exit 0');
    expect(check().stderr).toMatch(
      / build-essential ninja-build libzstd-dev liblz4-dev doctest-dev( libxbyak-dev)?\n$/,
    );
  });

  it('is content with make where ninja is missing', () => {
    rmSync(join(machine, 'ninja'));
    command('make', 'exit 0');
    expect(check()).toMatchObject({ status: 0, stderr: '' });
  });

  it('names the packages where there is no apt-get', () => {
    missHeader(0);
    expect(check().stderr).toBe(
      'vgpu: install what these Debian packages contain, then try again: libzstd-dev\n',
    );
  });

  it('refuses a CMake that is too old', () => {
    command('cmake', 'echo cmake version 3.18.4');
    const result = check();
    expect(result.status).toBe(1);
    expect(result.stderr).toContain('CMake 3.21 or newer is needed, found 3.18.4');
  });

  it('asks for a command that only one task needs', () => {
    expect(check('valgrind').stderr).toContain('valgrind');
    command('valgrind', 'exit 0');
    expect(check('valgrind')).toMatchObject({ status: 0, stderr: '' });
  });
});
