// hashcat, as the distribution has it: it compiles its kernels with NVRTC, tests each of them, and finds the word that its
// own example of a hash was made of. Run by `pnpm test:hashcat`.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireCommands } from '@vgpu/toolchain/system-packages';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ended, start } from '../vgpu.js';

const TIMEOUT_MS = 600_000;
/** A folder with NVIDIA's libnvrtc.so, which hashcat looks for under that name. */
const nvrtc = process.env.VGPU_NVRTC ?? '/usr/local/cuda/lib64';
const missing = existsSync(join(nvrtc, 'libnvrtc.so'))
  ? undefined
  : `${nvrtc} has no libnvrtc.so: set VGPU_NVRTC to a folder that has one`;

let home: string;
beforeAll(() => {
  requireCommands(['hashcat']);
  home = mkdtempSync(join(tmpdir(), 'vgpu-hashcat-'));
}, TIMEOUT_MS);
afterAll(() => rmSync(home, { recursive: true }));

function hashcat(...words: string[]): string {
  return execFileSync('hashcat', words, { encoding: 'utf8', env: { ...process.env, HOME: home } });
}

/** @returns what hashcat has as an example of that kind of hash */
function exampleOf(mode: number): { hash: string; word: string } {
  const text = hashcat('-m', String(mode), '--example-hashes');
  const [hash, word] = [/Example\.Hash\.{2,}: (.*)/, /Example\.Pass\.+: (.*)/].map(
    (line) => line.exec(text)?.[1],
  );
  if (hash === undefined || word === undefined) throw new Error(`hashcat has no example of ${mode}: ${text}`);
  return { hash, word };
}

describe('hashcat', { timeout: TIMEOUT_MS }, () => {
  it.for([
    ['MD5', 0],
    ['SHA-1', 100],
    ['md5crypt', 500],
    ['MD4', 900],
    ['NTLM', 1000],
    ['SHA-256', 1400],
    ['SHA-512', 1700],
    ['bcrypt', 3200],
    ['WPA2', 22000],
  ] as const)('finds the word of %s', async ([, mode], { skip }) => {
    if (missing) return skip(missing);
    const { hash, word } = exampleOf(mode);
    const words = join(home, `words-${mode}`);
    writeFileSync(words, `${word}\n`);
    // Of one session there can be only one on a machine.
    const session = ['--session', `vgpu-${process.pid}`, '--potfile-disable', '--restore-disable'];
    const attack = ['--backend-ignore-opencl', '--attack-mode', '0', '--hash-type', String(mode)];
    const { code, stdout, stderr } = await ended(
      start(['run', '--', 'hashcat', ...session, ...attack, hash, words], {
        env: { ...process.env, HOME: home, LD_LIBRARY_PATH: nvrtc },
      }),
    );
    // Of its own test of the kernel hashcat says something only where that failed.
    expect(`${stdout}${stderr}`).not.toMatch(/self-test failed/i);
    expect(stdout).toContain(`:${word}`);
    expect(stdout).toMatch(/^Status\.+: Cracked$/m);
    expect(code).toBe(0);
  });
});
