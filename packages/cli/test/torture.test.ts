import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { ScratchMemory } from '@vgpu/mmap-native';
import { afterAll, describe, expect, it } from 'vitest';
import { Progress } from '../src/output/progress.js';
import { type OpenScratch, type Scratch, torture } from '../src/torture/memory.js';
import { Pattern } from '../src/torture/pattern.js';
import { makePlan, type Plan } from '../src/torture/plan.js';
import { problemsOf } from '../src/torture/report.js';
import { readUsage } from '../src/torture/usage.js';
import { failureSchema, tortureSchema } from './schemas.js';
import { cli, ended, Folder, start, vgpu, vgpuJson } from './vgpu.js';

const MIB = 2 ** 20;
const folder = new Folder();
afterAll(() => folder.remove());

describe('vgpu torture memory', () => {
  it('--short passes, and says what it measured', { timeout: 120_000 }, async () => {
    const args = ['--short', '--directory', folder.path];
    const { code, stderr, document } = await vgpuJson(tortureSchema, 'torture', 'memory', ...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(document).toMatchObject({
      passed: true,
      problems: [],
      scratchBytes: 2 ** 31,
      chunkBytes: 8 * MIB,
    });
    expect(document.rss.limit).toBe(128 * MIB);
    expect(document.rss.peak).toBeLessThan(128 * MIB);
    expect(document.rss.peak).toBeGreaterThan(document.rss.start);
    expect(document.notReturnedBytes).toBe(0);
    expect(document.pages).toEqual({ checked: 2 ** 31 / 4096, wrong: 0 });
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('shows at a terminal how far it is', { timeout: 60_000 }, () => {
    const command = `${process.execPath} ${cli} torture memory --short --directory ${folder.path}`;
    const { status, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
      encoding: 'utf8',
      timeout: 50_000,
    });
    expect(status).toBe(0);
    expect(stdout).toMatch(/scratch memory: [\d.]+ [MG]iB of 1\.0 GiB, RSS [\d.]+ MiB/);
    expect(stdout).toMatch(/memory torture passed: 2\.0 GiB of scratch/);
  });

  it('interrupted ends at once and leaves nothing', async () => {
    const child = start(['torture', 'memory', '--short', '--times', '64', '--directory', folder.path]);
    const ending = ended(child);
    await expect.poll(() => readUsageOf(child.pid ?? 0), { interval: 20, timeout: 20_000 }).toBe(true);
    child.kill('SIGINT');
    expect(await ending).toMatchObject({ code: 2, stdout: '' });
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it.each<[string, string[], string]>([
    ['a folder that is not there', ['--directory', '/no/such/folder'], 'ERR_VGPU_FILE_NOT_FOUND'],
    ['chunks that are too large', ['--chunk', '100MiB'], 'ERR_VGPU_USAGE'],
    ['no size', ['--limit', 'much'], 'ERR_VGPU_USAGE'],
    ['nothing', ['--times', '0'], 'ERR_VGPU_USAGE'],
  ])('%s is refused', async (_, options, expected) => {
    const { code, document } = await vgpuJson(failureSchema, 'torture', 'memory', '--short', ...options);
    expect([code, document.error.code]).toEqual([1, expected]);
  });

  it.each([
    ['a disk without room', '1m', 'ERR_VGPU_NO_SPACE'],
    ['a disk that is memory', '100m', 'ERR_VGPU_NOT_ON_DISK'],
  ])('%s is refused', (_, size, expected) => {
    const script = `mount -t tmpfs -o size=${size} vgpu "$0" && "$@" --directory "$0"`;
    const flags = process.getuid?.() === 0 ? ['--mount'] : ['--map-root-user', '--mount'];
    const command = [process.execPath, cli, 'torture', 'memory', '--short'];
    const { status, stderr } = spawnSync('unshare', [...flags, 'sh', '-c', script, folder.path, ...command], {
      encoding: 'utf8',
    });
    expect(stderr).toContain(`[${expected}]`);
    expect(status).toBe(1);
  });
});

/** Whether the process has mapped scratch memory by now. */
function readUsageOf(pid: number): boolean {
  const { stdout } = spawnSync('grep', ['-c', 'vgpu_mmap.node', `/proc/${pid}/maps`], { encoding: 'utf8' });
  return Number(stdout) > 0;
}

describe('the verdict', () => {
  const plan: Plan = {
    memory: 2 ** 30,
    chunk: MIB,
    each: 16 * MIB,
    span: { anonymous: 16 * MIB, file: 8 * MIB },
    directory: tmpdir(),
    // This process holds the test runner too.
    rssLimit: readUsage().rssPeak + 256 * MIB,
  };
  const context = { progress: new Progress(), signal: new AbortController().signal };

  const open = (sabotage: (scratch: ScratchMemory) => Partial<Scratch>): OpenScratch => {
    return async (kind, bytes) => {
      const scratch = ScratchMemory.create(bytes, kind === 'file' ? { directory: plan.directory } : {});
      const whole: Scratch = {
        size: scratch.size,
        window: (offset, length) => scratch.window(offset, length),
        discardAsync: (offset, length) => scratch.discardAsync(offset, length),
        releaseAsync: (offset, length) => scratch.releaseAsync(offset, length),
        residentBytes: (offset, length) => scratch.residentBytes(offset, length),
        close: () => scratch.close(),
      };
      return { ...whole, ...sabotage(scratch) };
    };
  };

  it('is good when nothing is wrong', async () => {
    const tally = await torture(
      plan,
      open(() => ({})),
      context,
    );
    expect(problemsOf(tally)).toEqual([]);
    expect(tally.pagesChecked).toBe((2 * plan.each) / 4096);
  });

  it('notices memory that is not given back', async () => {
    const keep = () => ({ discardAsync: async () => {} });
    const tally = await torture(plan, open(keep), context);
    expect(problemsOf(tally)).toEqual([expect.stringMatching(/stayed in memory/)]);
    // Half of it was released first, and came back to be read.
    expect(tally.notReturned).toBe(2 * plan.each);
  });

  it('notices RSS above the limit', async () => {
    const tally = await torture(
      { ...plan, rssLimit: MIB },
      open(() => ({})),
      context,
    );
    expect(problemsOf(tally)).toEqual([expect.stringMatching(/^RSS reached .*the limit is 1\.0 MiB/)]);
  });

  it('notices contents that a release loses', async () => {
    const lose = (scratch: ScratchMemory) => ({
      releaseAsync: (offset?: number | bigint, length?: number | bigint) =>
        scratch.discardAsync(offset, length),
    });
    const tally = await torture(plan, open(lose), context);
    expect(tally.pagesWrong).toBe(plan.each / 4096);
    expect(problemsOf(tally)).toEqual([expect.stringMatching(/4,096 of 8,192 pages did not hold/)]);
  });

  it('closes the scratch memory when it fails', async () => {
    let closed = 0;
    const fail = (scratch: ScratchMemory) => ({
      releaseAsync: async () => {
        throw new Error('disk on fire');
      },
      close: () => {
        closed++;
        scratch.close();
      },
    });
    await expect(torture(plan, open(fail), context)).rejects.toThrow('disk on fire');
    expect(closed).toBe(2);
  });
});

describe('the pattern', () => {
  it('tells pages and chunks apart, and notices a single bit', () => {
    const pattern = new Pattern(1);
    const bytes = new Uint8Array(4 * 4096);
    pattern.write(bytes, 3);
    expect(pattern.countWrong(bytes, 3)).toBe(0);
    expect(pattern.countWrong(bytes, 4)).toBe(4);
    bytes.copyWithin(0, 4096, 8192);
    expect(pattern.countWrong(bytes, 3)).toBe(1);
    bytes[2 * 4096 + 4095] = (bytes[2 * 4096 + 4095] ?? 0) ^ 1;
    expect(pattern.countWrong(bytes, 3)).toBe(2);
    expect(pattern.countWrong(new Uint8Array(4096), 0)).toBe(1);
  });
});

describe('the plan', () => {
  const options = { directory: tmpdir(), short: true };

  it('halves the amount, in whole chunks', () => {
    expect(makePlan(options, 4096)).toMatchObject({ chunk: 8 * MIB, each: 2 ** 30, rssLimit: 128 * MIB });
    const odd = makePlan({ ...options, chunk: 5000, limit: 100_000 }, 4096);
    expect(odd).toMatchObject({ chunk: 8192, each: 57_344 });
  });

  it('is four times the memory unless said otherwise', () => {
    const { memory, each, chunk } = makePlan({ directory: tmpdir() }, 4096);
    expect(memory).toBeGreaterThan(2 ** 28);
    expect(2 * each).toBeGreaterThanOrEqual(4 * memory);
    expect(2 * each).toBeLessThanOrEqual(4 * memory + 2 * chunk);
  });
});

it('the help of every command has an example', async () => {
  for (const command of [
    ['clean'],
    ['torture', 'memory'],
    ...['inspect', 'verify', 'create', 'import', 'export', 'convert', 'repair'].map((name) => ['file', name]),
  ]) {
    const { code, stdout } = await vgpu(...command, '--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(
      new RegExp(`Usage: vgpu ${command.join(' ')}.*Exit status: .*Examples:\n {2}`, 's'),
    );
  }
});
