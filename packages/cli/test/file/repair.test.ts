import { spawn } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { PersistentArray } from '@vgpu/array';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { flipByte, makeDirty } from '../damage.js';
import { repairSchema } from '../schemas.js';
import { cli, ended, Folder, goldenPath, vgpu, vgpuJson } from '../vgpu.js';

const folder = new Folder();
afterAll(() => folder.remove());
let count = 0;
let path = '';
beforeEach(() => {
  path = folder.at(`file-${++count}.pycauset`);
});

const repair = (...options: string[]) => vgpuJson(repairSchema, 'file', 'repair', path, ...options);
const codes = (problems: readonly { code: string }[]) => problems.map(({ code }) => code);
const backup = () => readFileSync(`${path}.before-repair`);

async function firstValue(): Promise<unknown> {
  await using array = await PersistentArray.open(path);
  return array.get(0, 0);
}

it('a good file needs none', async () => {
  copyFileSync(goldenPath('gen2_i32_3x5'), path);
  const before = readFileSync(path);
  expect(await vgpu('file', 'repair', path)).toMatchObject({
    code: 0,
    stdout: `${path}: nothing to repair\n`,
  });
  expect(readFileSync(path).equals(before)).toBe(true);
});

describe('a damaged slot', () => {
  it('is shown and left alone by --dry-run', async () => {
    copyFileSync(goldenPath('broken/slotB_crc'), path);
    const before = readFileSync(path);
    const { code, document } = await repair('--dry-run');
    expect(code).toBe(3);
    expect(codes(document.problems)).toEqual(['slot-ignored']);
    expect(document).toMatchObject({ plan: ['mirror'], done: [], backup: null });
    expect(readFileSync(path).equals(before)).toBe(true);
    const text = await vgpu('file', 'repair', '--dry-run', path);
    expect(text.stdout).toMatch(
      /problem: slot B is invalid.*\n.*slot A \(active\).*\n.*slot B \(not active\).*\n {2}plan: write/,
    );
  });

  it('is written anew, and what was there is kept', async () => {
    copyFileSync(goldenPath('broken/slotB_crc'), path);
    const before = readFileSync(path);
    const { code, stderr, document } = await repair('--yes');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(document).toMatchObject({ done: ['mirror'], remaining: [], backup: `${path}.before-repair` });
    expect(backup().equals(before)).toBe(true);
    expect((await repair('--dry-run')).document.problems).toEqual([]);
    expect(await firstValue()).toBe(
      JSON.parse(
        readFileSync(
          goldenPath('handmade/exact_payload_length_f64_3x5').replace('.pycauset', '.json'),
          'utf8',
        ),
      ).values[0][0],
    );
  });

  it('is not touched without consent, for which there must be a terminal', async () => {
    copyFileSync(goldenPath('broken/slotB_crc'), path);
    const before = readFileSync(path);
    const { code, stderr } = await vgpu('file', 'repair', path);
    expect(code).toBe(1);
    expect(stderr).toMatch(/plan: .*\[ERR_VGPU_NEEDS_CONSENT\]\n {2}remedy: add --yes/s);
    expect(readFileSync(path).equals(before)).toBe(true);
    expect(folder.list()).not.toContain(`file-${count}.pycauset.before-repair`);
  });

  it.each([
    ['y\n', 0],
    ['n\n', 2],
    ['\n', 2],
    ['\x03', 2],
    ['\x04', 2],
  ])('asks at a terminal, and the answer %j counts', async (input, code) => {
    copyFileSync(goldenPath('broken/slotB_crc'), path);
    const before = readFileSync(path);
    const command = `${process.execPath} ${cli} file repair ${path}`;
    const child = spawn('script', ['-qec', command, '/dev/null'], { timeout: 20_000 });
    child.stdout.on('data', (text: Buffer) => {
      if (text.includes('[y/N]')) child.stdin.write(input);
    });
    const ending = await ended(child);
    expect(ending).toMatchObject({ code });
    expect(ending.stdout).toMatch(/plan: write the slot.*\r?\n.*Do it\? \[y\/N\]/s);
    expect(ending.stdout).toMatch(code === 0 ? /repaired .*\r?\n {2}done: / : /\[ERR_VGPU_CANCELLED\]/);
    expect(readFileSync(path).equals(before)).toBe(code !== 0);
  });

  it('an earlier copy is not replaced without --force', async () => {
    copyFileSync(goldenPath('broken/slotB_crc'), path);
    writeFileSync(`${path}.before-repair`, 'precious');
    const { code, stderr } = await vgpu('file', 'repair', '--yes', path);
    expect(code).toBe(1);
    expect(stderr).toContain('ERR_VGPU_OUTPUT_EXISTS');
    expect(backup().toString()).toBe('precious');
    expect((await repair('--yes', '--force')).code).toBe(0);
    expect(backup().equals(readFileSync(goldenPath('broken/slotB_crc')))).toBe(true);
  });
});

it('bytes that belong to nothing are cut off', async () => {
  copyFileSync(goldenPath('broken/appended_garbage'), path);
  const { code, document } = await repair('--yes', '--no-backup');
  expect(code).toBe(0);
  expect(document).toMatchObject({ done: ['trim'], backup: null });
  expect(readFileSync(path)).toHaveLength(4551);
  expect(folder.list()).not.toContain(`file-${count}.pycauset.before-repair`);
});

describe('an interrupted in-place update', () => {
  it('is explained, and nothing is done unasked', async () => {
    await makeDirty(path, 5);
    const before = readFileSync(path);
    const { code, document } = await repair('--yes');
    expect(code).toBe(3);
    expect(codes(document.problems)).toEqual(['ERR_VGPU_FORMAT_NOT_COMMITTED']);
    expect(document).toMatchObject({ plan: [], done: [], choices: ['--accept-uncommitted'] });
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('is accepted with --accept-uncommitted', async () => {
    await makeDirty(path, 5);
    const { code, document } = await repair('--accept-uncommitted', '--yes');
    expect([code, document.done]).toEqual([0, ['accept']]);
    expect(await firstValue()).toBe(5);
    expect((await vgpu('file', 'verify', path)).code).toBe(0);
  });

  it('there is none in a good file', async () => {
    copyFileSync(goldenPath('dense_i32_1x1'), path);
    const { code, stderr } = await vgpu('file', 'repair', '--accept-uncommitted', '--yes', path);
    expect(code).toBe(1);
    expect(stderr).toContain('ERR_VGPU_NO_REPAIR');
  });
});

describe('a payload that contradicts its checksum', () => {
  beforeEach(async () => {
    await vgpu('file', 'create', '--rows', '8', '--columns', '8', '--fill', 'index', '--dtype', 'u8', path);
    flipByte(path, 4096);
  });

  it('is found, and only accepted when that is asked for', async () => {
    const found = await repair('--yes');
    expect(found.code).toBe(3);
    expect(codes(found.document.problems)).toEqual(['ERR_VGPU_ARRAY_DAMAGED']);
    expect(found.document).toMatchObject({ plan: [], choices: ['--accept-damaged'] });
    const accepted = await repair('--yes', '--accept-damaged');
    expect([accepted.code, accepted.document.done]).toEqual([0, ['accept']]);
    expect(await firstValue()).toBe(255);
    expect((await vgpu('file', 'verify', path)).code).toBe(0);
  });
});

describe('--use-slot', () => {
  it('goes back to the older version, if there is one', async () => {
    copyFileSync(goldenPath('gen2_i32_3x5'), path);
    const { code, document } = await repair('--use-slot', 'A', '--yes');
    expect([code, document.done]).toEqual([0, ['previous', 'trim']]);
    await using array = await PersistentArray.open(path);
    expect(array.metadata.has('cached')).toBe(false);
  });

  it('refuses a slot that cannot be read', async () => {
    copyFileSync(goldenPath('broken/slotB_crc'), path);
    const { code, stderr } = await vgpu('file', 'repair', '--use-slot', 'B', '--yes', path);
    expect(code).toBe(1);
    expect(stderr).toContain('ERR_VGPU_NO_REPAIR');
  });
});

it('where nothing can be done it says so', async () => {
  copyFileSync(goldenPath('broken/slotAB_crc'), path);
  const { code, stdout } = await vgpu('file', 'repair', '--yes', path);
  expect(code).toBe(3);
  expect(stdout).toMatch(/ERR_VGPU_FORMAT_BAD_CHECKSUM.*nothing can be done: restore a backup/s);
});

it.each(['--use-slot C', '--use-slot A --accept-uncommitted', '--accept-damaged --accept-uncommitted'])(
  'the options %s make no sense',
  async (options) => {
    copyFileSync(goldenPath('dense_i32_1x1'), path);
    expect((await vgpu('file', 'repair', ...options.split(' '), path)).code).toBe(1);
  },
);
