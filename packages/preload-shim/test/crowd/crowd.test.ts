// The short form of `pnpm test:crowd`: a part of this machine's programs, and proof that it would notice.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireCommands } from '@vgpu/toolchain/system-packages';
import { afterAll, describe, expect, it } from 'vitest';
import { guestLibrary } from '../../src/index.js';
import { compare, type Field, Worlds } from './compare.js';
import { allPrograms, programJobs, variantJobs } from './jobs.js';
import { type Job, worldObstacle } from './world.js';

const TEST_TIMEOUT_MS = 300_000;
const PROGRAMS = 60;
const native = join(import.meta.dirname, '../../build/native/test');
const obstacle = worldObstacle();
if (obstacle !== undefined) process.stderr.write(`the crowd is not tested: ${obstacle}\n`);

describe.skipIf(obstacle !== undefined)('the crowd', { timeout: TEST_TIMEOUT_MS }, () => {
  /** As text, of which a failed test shows all. */
  async function differences(worlds: Worlds, jobs: readonly Job[]): Promise<string[]> {
    const found: string[] = [];
    for (const job of jobs) {
      const { result, ...rest } = await compare(worlds, job);
      if (result === 'different') found.push(JSON.stringify(rest));
    }
    return found;
  }

  it('does the same with the library as without it', async () => {
    await using worlds = new Worlds(guestLibrary().library);
    expect(await differences(worlds, programJobs(allPrograms().slice(0, PROGRAMS)))).toEqual([]);
    expect(await differences(worlds, variantJobs([]))).toEqual([]);
  });

  it('shows nothing of where the library lies', async () => {
    // Elsewhere than what the worlds are made of.
    const place = mkdtempSync('/var/tmp/vgpu-crowd-');
    try {
      const library = join(place, 'libvgpu_cuda.so');
      copyFileSync(guestLibrary().library, library);
      chmodSync(place, 0o755);
      await using worlds = new Worlds(library);
      const folders = ['/', '/var', '/tmp'].map((folder) => ({
        variant: 'chroot',
        command: ['/bin/ls', '-a', folder],
      }));
      expect(await differences(worlds, folders)).toEqual([]);
    } finally {
      rmSync(place, { recursive: true });
    }
  });

  it('does not meet the library where a program is linked statically', async () => {
    await using worlds = new Worlds(guestLibrary().library);
    const maps = (program: string) => ({ variant: 'plain', command: [program, '/proc/self/maps'] });
    const [dynamic, runner] = [
      maps('/bin/cat'),
      { variant: 'plain', command: [join(native, 'crowd_runner')] },
    ];
    expect((await worlds.with.observe(dynamic)).output).toContain('libvgpu_cuda');
    expect(await compare(worlds, runner)).toMatchObject({ result: 'same' });
  });

  it('does not meet the library where a program brings another C library', async () => {
    requireCommands(['musl-gcc']);
    const path = join(native, 'musl_program');
    execFileSync('musl-gcc', ['-x', 'c', '-o', path, '-'], {
      input: '#include <stdlib.h>\nint main(void) { return system("cat /proc/$PPID/maps") == 0 ? 7 : 1; }\n',
    });
    await using worlds = new Worlds(guestLibrary().library);
    const { ending, output } = await worlds.with.observe({ variant: 'plain', command: [path] });
    expect(ending).toBe('exit 7');
    expect(output).toContain('linux-musl');
    expect(output).not.toContain('libvgpu_cuda');
  });

  const SABOTAGE: [string, Field][] = [
    ['output', 'errorsHash'],
    ['descriptor', 'descriptors'],
    ['thread', 'threads'],
    ['child', 'children'],
    ['exit', 'ending'],
  ];
  it.each(SABOTAGE)('notices a library with a constructor that does it: %s', async (name, field) => {
    await using worlds = new Worlds(join(native, `libsabotage_${name}.so`));
    const verdict = await compare(worlds, { variant: 'plain', command: ['/bin/true'] });
    expect(verdict.result).toBe('different');
    expect(verdict.fields).toContain(field);
  });

  it('notices one that does it in most processes only', async () => {
    await using worlds = new Worlds(join(native, 'libsabotage_mostly.so'));
    const job = { variant: 'plain', command: ['/bin/true'] };
    // The first process may be one of those that it spares; the next one is not.
    const verdicts = [await compare(worlds, job), await compare(worlds, job)];
    expect(verdicts.map(({ result }) => result)).toContain('different');
  });

  it('takes no program for harmed that does as it likes', async () => {
    await using worlds = new Worlds(guestLibrary().library);
    for (const script of ['echo $$; date +%N', 'exit $(($(date +%N | tail -c 3 | sed s/^0//) % 2))']) {
      const job = { variant: 'plain', command: ['/bin/sh', '-c', script] };
      expect(['varies', 'same']).toContain((await compare(worlds, job)).result);
    }
  });
});

describe('many at once', { timeout: TEST_TIMEOUT_MS }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vgpu-many-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  it('1,000 programs start together', () => {
    // Each waits for a line of its own, which stays in the pipe until it comes; the last may go before the first has.
    const script = `
      mkfifo go; exec 3<> go; i=0
      while [ $i -lt 1000 ]; do
        (read line <&3; exec 3<&-; LD_PRELOAD=$0 /bin/true || echo failed) & i=$((i+1))
      done 2>&1
      yes '' | head -n 1000 >&3; wait; echo done`;
    const { stdout, status } = spawnSync('/bin/sh', ['-c', script, guestLibrary().library], {
      cwd: folder,
      encoding: 'utf8',
      timeout: TEST_TIMEOUT_MS,
    });
    expect({ stdout, status }).toEqual({ stdout: 'done\n', status: 0 });
  });
});
