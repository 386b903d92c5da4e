// Every system call of every operation fails once, in each way it can.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { describeOnLinux } from '../linux.js';
import { nativeFile, temporaryDirectory } from '../powercut/recording.js';
import { controlBytes } from './injector.js';
import { inputBytes, inputName, workloads } from './workloads.js';

const lineSchema = z.union([
  z.object({ workload: z.string(), call: z.number(), way: z.string(), problem: z.string() }),
  z.object({ workload: z.string(), calls: z.array(z.string()) }),
  z.object({ failed: z.number(), succeeded: z.number(), problems: z.number(), tried: z.array(z.string()) }),
]);

/** In milliseconds. */
const longest = 120_000;

/** A full disk, a broken disk, no memory, no descriptors, and what is no failure at all. */
const mustBeTried = [
  ...['fallocate: ENOSPC', 'pwrite: ENOSPC', 'copy_file_range: ENOSPC', 'fdatasync: ENOSPC'],
  ...['msync: EIO', 'fdatasync: EIO', 'fsync-directory: EIO', 'pread: EIO', 'rename: EIO'],
  ...['mmap: ENOMEM', 'open: EMFILE', 'open: EACCES', 'unlink: EACCES', 'lock: EAGAIN'],
  ...['open: EINTR', 'pwrite: EINTR', 'pwrite: half', 'pread: half', 'copy_file_range: half'],
];

/** What the child prints, line by line. */
async function runChild(work: string): Promise<z.infer<typeof lineSchema>[]> {
  const control = join(work, 'control');
  const directory = join(work, 'files');
  writeFileSync(control, new Uint8Array(controlBytes));
  writeFileSync(join(work, inputName), inputBytes());
  const script = join(import.meta.dirname, 'faults-child.ts');
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script, work], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: longest,
    env: {
      ...process.env,
      LD_PRELOAD: nativeFile('lib/libvgpu_fault.so'),
      VGPU_FAULT_DIR: directory,
      VGPU_FAULT_CONTROL: control,
    },
  });
  const lines: z.infer<typeof lineSchema>[] = [];
  createInterface({ input: child.stdout }).on('line', (line) =>
    lines.push(lineSchema.parse(JSON.parse(line))),
  );
  const [status] = await once(child, 'close');
  expect(status).toBe(0);
  return lines;
}

describeOnLinux('a system call that fails', () => {
  it(
    'leaves the old version or the new one, and nothing else',
    async () => {
      const work = temporaryDirectory();
      try {
        const lines = await runChild(work);
        expect(lines.filter((line) => 'problem' in line)).toEqual([]);
        const covered = lines.flatMap((line) => ('calls' in line ? [line.workload] : []));
        expect(covered).toEqual(workloads.map(({ name }) => name));
        const last = lines.at(-1);
        if (last === undefined || !('tried' in last)) throw new Error('the child did not say how it ended');
        console.log(`${last.failed} calls failed, ${last.succeeded} times it did not matter`);
        expect(last.failed).toBeGreaterThan(300);
        expect(last.tried).toEqual(expect.arrayContaining(mustBeTried));
      } finally {
        rmSync(work, { recursive: true, force: true });
      }
    },
    longest,
  );
});
