// Every command that writes: the output is whole or absent, and nothing is replaced by accident.
import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { writeNpy } from '@vgpu/format';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureSchema } from '../schemas.js';
import { cli, ended, Folder, goldenPath, start, vgpu, vgpuJson } from '../vgpu.js';

const folder = new Folder();
afterAll(() => folder.remove());

const npy = folder.at('in.npy');
const array = goldenPath('dense_f64_7x7');
const commands: Readonly<Record<string, (output: string) => string[]>> = {
  create: (output) => ['file', 'create', '--rows', '10', '--columns', '10', output],
  import: (output) => ['file', 'import', npy, output],
  export: (output) => ['file', 'export', array, output],
  convert: (output) => ['file', 'convert', array, output],
};
beforeAll(() =>
  writeFileSync(
    npy,
    writeNpy({ dtype: 'f64', shape: [3, 3] }, () => 1),
  ),
);

describe.each(Object.entries(commands))('%s', (name, args) => {
  it('does not replace a file, and with --force does', async () => {
    const output = folder.at(`${name}-present`);
    writeFileSync(output, 'precious', { mode: 0o640 });
    const refused = await vgpuJson(failureSchema, ...args(output));
    expect(refused.code).toBe(1);
    const error = { code: 'ERR_VGPU_OUTPUT_EXISTS', remedy: expect.stringContaining('--force') };
    expect(refused.document.error).toMatchObject(error);
    expect(readFileSync(output, 'utf8')).toBe('precious');
    const forced = await vgpu(...args(output), '--force');
    expect([forced.code, forced.stderr]).toEqual([0, '']);
    expect(readFileSync(output, 'utf8')).not.toBe('precious');
    expect(statSync(output).mode & 0o777).toBe(0o640);
  });

  it('refuses a folder, a device, and a folder that is not there', async () => {
    mkdirSync(folder.at(`${name}-folder`));
    const codes: string[] = [];
    for (const output of [folder.at(`${name}-folder`), '/dev/null', folder.at('no/such/file')]) {
      const { code, document } = await vgpuJson(failureSchema, ...args(output), '--force');
      expect(code).toBe(1);
      codes.push(document.error.code);
    }
    expect(codes).toEqual(['ERR_VGPU_NOT_A_FILE', 'ERR_VGPU_NOT_A_FILE', 'ERR_VGPU_FILE_NOT_FOUND']);
  });
});

describe('inputs', () => {
  const readers: Readonly<Record<string, (input: string) => string[]>> = {
    inspect: (input) => ['file', 'inspect', input],
    import: (input) => ['file', 'import', input, folder.at('never')],
    export: (input) => ['file', 'export', input, folder.at('never')],
    convert: (input) => ['file', 'convert', input, folder.at('never')],
    repair: (input) => ['file', 'repair', input],
  };

  it.each(Object.entries(readers))('%s: missing, a folder, a device', async (_, args) => {
    const found: string[] = [];
    for (const input of [folder.at('missing'), folder.path, '/dev/zero']) {
      const { code, stderr, document } = await vgpuJson(failureSchema, ...args(input));
      expect(code).toBe(1);
      expect(stderr).toContain(`[${document.error.code}]`);
      found.push(document.error.code);
    }
    expect(found).toEqual(['ERR_VGPU_FILE_NOT_FOUND', 'ERR_VGPU_NOT_A_FILE', 'ERR_VGPU_NOT_A_FILE']);
  });

  it('that are no array', async () => {
    writeFileSync(folder.at('text'), 'hello');
    const { stderr } = await vgpu('file', 'export', folder.at('text'), folder.at('never'));
    expect(stderr).toMatch(/does not begin with PYCAUSET.*\[ERR_VGPU_FORMAT_BAD_MAGIC\]\n {2}remedy: /);
    expect(existsSync(folder.at('never'))).toBe(false);
  });

  it('without permission', async (context) => {
    const secret = folder.at('secret.pycauset');
    writeFileSync(secret, readFileSync(array), { mode: 0 });
    chmodSync(folder.path, 0o755);
    // Root reads everything, so it becomes somebody else.
    const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    const options = { ...nobody, encoding: 'utf8', cwd: '/' } as const;
    if (spawnSync(process.execPath, [cli, '--version'], options).status !== 0) {
      context.skip('another user cannot run the command from here');
    }
    const read = spawnSync(process.execPath, [cli, 'file', 'verify', secret], options);
    expect(read.status).toBe(1);
    expect(read.stderr).toMatch(/no permission for .*\[ERR_VGPU_FILE_ACCESS\]/);
    if (process.getuid?.() !== 0) return;
    const args = ['file', 'create', '--rows', '1', '--columns', '1', folder.at('not-allowed')];
    const write = spawnSync(process.execPath, [cli, ...args], options);
    expect(write.status).toBe(1);
    expect(write.stderr).toContain('ERR_VGPU_MMAP_ACCESS');
  });
});

function hasOpen(pid: number, path: string): boolean {
  const folder = `/proc/${pid}/fd`;
  if (!existsSync(folder)) return false;
  return readdirSync(folder).some((name) => {
    try {
      return readlinkSync(`${folder}/${name}`) === path;
    } catch {
      // Closed in the meantime.
      return false;
    }
  });
}

describe('interrupted', () => {
  const large = folder.at('large.pycauset');
  // 1 GiB, of which nothing is on disk.
  beforeAll(() => vgpu('file', 'create', '--sparse', '--rows', '8192', '--columns', '16384', large));

  const long: Readonly<Record<string, (output: string) => string[]>> = {
    export: (output) => ['file', 'export', large, output],
    convert: (output) => ['file', 'convert', '--dtype', 'i64', large, output],
    create: (output) => [
      'file',
      'create',
      '--fill',
      'random:1',
      '--rows',
      '16384',
      '--columns',
      '16384',
      output,
    ],
  };

  it.each(Object.entries(long))(
    '%s leaves nothing behind, and says that it was cancelled',
    async (_, args) => {
      const target = new Folder();
      try {
        const child = start([...args(target.at('out')), '--json']);
        const ending = ended(child);
        await expect.poll(() => target.list(), { interval: 10, timeout: 20_000 }).toHaveLength(1);
        expect(target.list()[0]).toMatch(/^vgpu-\d+-[0-9a-f]{16}\.tmp$/);
        child.kill('SIGINT');
        const { code, stdout, stderr } = await ending;
        expect(code).toBe(2);
        expect(stderr).toBe('vgpu: cancelled by SIGINT [ERR_VGPU_CANCELLED]\n');
        expect(failureSchema.parse(JSON.parse(stdout)).error.code).toBe('ERR_VGPU_CANCELLED');
        expect(target.list()).toEqual([]);
      } finally {
        target.remove();
      }
    },
  );

  it('verify ends at once', async () => {
    const child = start(['file', 'verify', large]);
    const ending = ended(child);
    // Until it has the file open, it may not have come to the point where signals are heard.
    await expect.poll(() => hasOpen(child.pid ?? 0, large), { interval: 10, timeout: 20_000 }).toBe(true);
    child.kill('SIGTERM');
    expect(await ending).toMatchObject({
      code: 2,
      stderr: 'vgpu: cancelled by SIGTERM [ERR_VGPU_CANCELLED]\n',
    });
  });

  it('a reader that goes away is no error', async () => {
    const pipeline = spawn('/bin/sh', [
      '-c',
      '"$0" "$1" file inspect "$2" | true',
      process.execPath,
      cli,
      large,
    ]);
    expect(await ended(pipeline)).toMatchObject({ stderr: '' });
  });
});

describe('a full disk', () => {
  /** Runs with a file system of 1 MiB at `$DISK`, and prints afterwards what is on it. */
  function onSmallDisk(args: readonly string[]) {
    const script = 'mount -t tmpfs -o size=1m vgpu "$0" && cd "$0" && "$@"; code=$?; ls -A; exit $code';
    const disk = folder.at('disk');
    mkdirSync(disk, { recursive: true });
    const flags = process.getuid?.() === 0 ? ['--mount'] : ['--map-root-user', '--mount'];
    const command = ['sh', '-c', script, disk, process.execPath, cli, ...args];
    return spawnSync('unshare', [...flags, ...command], { encoding: 'utf8' });
  }

  // No bytes on disk, and 8 MiB written out.
  const identity = folder.at('identity.pycauset');
  beforeAll(() => vgpu('file', 'create', '--structure', 'identity', '--rows', '1024', identity));

  const full: Readonly<Record<string, string[]>> = {
    create: ['file', 'create', '--rows', '1024', '--columns', '1024', 'out'],
    'create, filled': ['file', 'create', '--rows', '1024', '--columns', '1024', '--fill', 'random:1', 'out'],
    export: ['file', 'export', identity, 'out'],
  };

  it.each(Object.entries(full))('%s: an error, and no file', (_, args) => {
    const probe = onSmallDisk(['--version']);
    if (probe.status !== 0) throw new Error(`no small disk to test with: ${probe.stderr}`);
    const { status, stdout, stderr } = onSmallDisk(args);
    expect(stderr).toMatch(/\[ERR_VGPU_MMAP_NO_SPACE\]\n {2}remedy: /);
    expect([status, stdout]).toEqual([1, '']);
  });
});

it('a file that somebody writes to is not replaced', async () => {
  const { PersistentArray } = await import('@vgpu/array');
  const path = folder.at('in-use.pycauset');
  await using writer = await PersistentArray.create(path, {
    structure: 'dense',
    dtype: 'u8',
    rows: 1,
    columns: 1,
  });
  const { code, stderr } = await vgpu('file', 'create', '--rows', '2', '--columns', '2', '--force', path);
  expect(code).toBe(1);
  expect(stderr).toContain('ERR_VGPU_MMAP_LOCKED');
  expect(writer.rows).toBe(1);
});

it.each([
  ['compute', 'add', 'good.npy', 'bad.npy', '-o', 'sum.npy'],
  ['file', 'import', 'bad.npy', 'x.pycauset'],
  ['file', 'convert', 'bad.npy', 'x.pycauset'],
  ['file', 'export', 'bad.npy', 'x.npy'],
])('says which file it is that is no array: %s %s', async (...words) => {
  const names = words.map((word) => (word.includes('.') ? folder.at(word) : word));
  writeFileSync(
    folder.at('good.npy'),
    writeNpy({ dtype: 'f64', shape: [2, 2] }, () => 1),
  );
  writeFileSync(folder.at('bad.npy'), 'this is no array of numbers');
  const { code, stderr } = await vgpu(...names);
  expect(code).toBe(1);
  expect(stderr).toContain(`vgpu: ${folder.at('bad.npy')}: the file does not begin with`);
});

it('wrong options are JSON too, for who asked for it', async () => {
  const { code, document } = await vgpuJson(
    failureSchema,
    'file',
    'create',
    '--rows',
    'many',
    folder.at('x'),
  );
  expect(code).toBe(1);
  expect(document).toMatchObject({ command: 'file create', error: { code: 'ERR_VGPU_USAGE' } });
});
