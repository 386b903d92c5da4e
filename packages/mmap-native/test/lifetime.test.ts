// Who lets go of what, and when: operations in flight, garbage, worker threads, moved buffers.

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { MappedFile } from '../src/index.js';
import { failure, outputOf, packageUrl, rejection, runChild, useFolder } from './support.js';

const node =
  Number(process.versions.node.split('.')[0]) >= 22 ? process.execPath : process.env.VGPU_TEST_NODE;
if (!node) {
  process.stdout.write('skipped: ArrayBuffer.prototype.transfer needs Node 22; name one in VGPU_TEST_NODE\n');
}

const folder = useFolder();
const size = 64 * 2 ** 20;

/** How often the file is mapped in this process. */
const mappingsOf = (path: string) =>
  readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.endsWith(path)).length;

describe('close during an operation', () => {
  it('takes effect at once here, and for the system when the operation ends', async () => {
    const path = folder.path('a');
    const file = MappedFile.create(path, { size });
    const window = file.window(0, size);
    window.bytes.fill(1);
    const operations = [file.flushAsync(), file.copyWithinAsync(0, size / 2, size / 2), file.prefetchAsync()];
    file.close();
    expect(window.closed).toBe(true);
    await Promise.all(operations);
    expect(mappingsOf(path)).toBe(0);
    using again = MappedFile.open(path, { access: 'read-write' });
    expect(again.window(size - 1, 1).bytes[0]).toBe(1);
  });

  it('keeps the lock until then', async () => {
    const file = MappedFile.create(folder.path('a'), { size });
    file.window(0, size).bytes.fill(1);
    const flushing = file.flushAsync();
    file.close();
    expect(failure(() => MappedFile.open(folder.path('a'))).code).toBe('ERR_VGPU_MMAP_LOCKED');
    await flushing;
    MappedFile.open(folder.path('a')).close();
  });
});

describe('AbortSignal', () => {
  it('stops a long copy between two parts', async () => {
    using file = MappedFile.create(folder.path('a'), { size: 20 * size, reserve: false });
    const controller = new AbortController();
    const copying = file.copyWithinAsync(0, 10 * size, 10 * size, { signal: controller.signal });
    controller.abort();
    expect((await rejection(copying)).code).toBe('ERR_VGPU_MMAP_ABORTED');
    expect(file.size).toBe(20 * size);
  });

  it('leaves nothing of a file that was to be created', async () => {
    const controller = new AbortController();
    const creating = MappedFile.createAsync(folder.path('a'), { size: 1000, signal: controller.signal });
    controller.abort();
    expect((await rejection(creating)).code).toBe('ERR_VGPU_MMAP_ABORTED');
    expect(failure(() => MappedFile.open(folder.path('a'))).code).toBe('ERR_VGPU_MMAP_NOT_FOUND');
  });
});

describe('garbage', () => {
  it('is collected, pages and descriptors alike', () => {
    const script = `
      import { readdirSync, readFileSync } from 'node:fs';
      const descriptors = () => readdirSync('/proc/self/fd').length;
      const mappings = () => readFileSync('/proc/self/maps', 'utf8').split('\\n').filter((line) => line.includes(argument)).length;
      mmap.MappedFile.create(argument, { size: 1e6 }).close();
      const before = descriptors();
      (function leave() {
        for (let index = 0; index < 50; index += 1) {
          const file = mmap.MappedFile.open(argument);
          file.window(0, 1e6).bytes[0];
          file.window(5, 1e5);
        }
      })();
      const open = [descriptors() - before, mappings()];
      for (let round = 0; round < 10; round += 1) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      console.log(JSON.stringify({ open, left: [descriptors() - before, mappings()] }));`;
    expect(outputOf(script, { argument: folder.path('a') })).toEqual({ open: [50, 100], left: [0, 0] });
  });

  it('is not what bytes in use stand on', () => {
    const script = `
      mmap.replaceFile(argument, (file) => file.window(0, 1e6).bytes.fill(3), { size: 1e6 });
      const bytes = (() => mmap.MappedFile.open(argument).window(0, 1e6).bytes)();
      for (let round = 0; round < 10; round += 1) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      console.log(bytes.every((byte) => byte === 3));`;
    expect(outputOf(script, { argument: folder.path('a') })).toBe(true);
  });
});

describe('threads', () => {
  const workerScript = `
    const { workerData, parentPort } = require('node:worker_threads');
    import(workerData.url).then(async (mmap) => {
      const file = mmap.MappedFile.open(workerData.path, { lock: 'none', access: 'read-write' });
      file.window(0, file.size).bytes[workerData.index] = workerData.index;
      const windows = file.window(1, file.size - 1);
      parentPort.postMessage('ready');
      if (workerData.end === 'wait') file.copyWithinAsync(0, file.size / 2, file.size / 2).then(() => file.flushAsync());
      if (workerData.end === 'operation') file.prefetchAsync().then(() => file.flushAsync());
      if (workerData.end === 'faulted') { require('node:fs').truncateSync(workerData.path, 0); windows.bytes[9]; }
      if (workerData.end === 'wait') await new Promise(() => setInterval(() => {}, 1000));
    });`;

  it('may each use the package, and end in any state', async () => {
    const path = folder.path('a');
    writeFileSync(path, Buffer.alloc(size));
    const ends = ['at once', 'operation', 'wait', 'faulted'];
    for (const [index, end] of ends.entries()) {
      const workerData = { url: packageUrl, path, index: index + 1, end };
      const worker = new Worker(workerScript, { eval: true, workerData });
      await once(worker, 'message');
      if (end === 'wait') await worker.terminate();
      else await once(worker, 'exit');
      if (end !== 'faulted') expect(readFileSync(path)[index + 1]).toBe(index + 1);
    }
    expect(mappingsOf(path)).toBe(0);
  });

  it('leave a process that ends well, whatever is open', () => {
    const script = `
      import { Worker } from 'node:worker_threads';
      const worker = new Worker(${JSON.stringify(workerScript)}, { eval: true, execArgv: [],
        workerData: { url: ${JSON.stringify(packageUrl)}, path: argument, index: 1, end: 'wait' } });
      await new Promise((resolve) => worker.once('message', resolve));
      const file = mmap.MappedFile.open(argument, { access: 'read-write', lock: 'none' });
      file.window(0, 100).bytes[0] = 1;
      file.flushAsync();
      mmap.ScratchMemory.create(1e6).window(0, 1e6).bytes.fill(1);
      process.exit(0);`;
    writeFileSync(folder.path('a'), Buffer.alloc(100_000));
    const result = runChild(script, { argument: folder.path('a') });
    expect([result.status, result.signal, result.stderr]).toEqual([0, null, '']);
  });

  it('may be the only ones that load the addon: the fault handler stays when they end', () => {
    // Unloaded, its address would be wild: the process would die of SIGSEGV.
    const script = `
      import { Worker } from 'node:worker_threads';
      const worker = new Worker(${JSON.stringify(workerScript)}, { eval: true, execArgv: [],
        workerData: { url: ${JSON.stringify(packageUrl)}, path: argument, index: 1, end: 'at once' } });
      await new Promise((resolve) => worker.once('exit', resolve));
      process.kill(process.pid, 'SIGBUS');
      setTimeout(() => {}, 10000);`;
    writeFileSync(folder.path('a'), Buffer.alloc(100_000, 1));
    expect(runChild(script, { argument: folder.path('a') }).signal).toBe('SIGBUS');
  });
});

describe('a buffer', () => {
  const script = `
    mmap.replaceFile(argument, (file) => file.window(0, 1e6).bytes.fill(3), { size: 1e6 });
    const file = mmap.MappedFile.open(argument, { access: 'read-write' });
    const { buffer } = file.window(0, 1e6).bytes;`;

  it('that is cloned is a copy', () => {
    const clone = `${script}
      const copy = structuredClone(buffer);
      file.close();
      console.log(JSON.stringify([buffer.byteLength, new Uint8Array(copy)[999999]]));`;
    expect(outputOf(clone, { argument: folder.path('a') })).toEqual([0, 3]);
  });

  it('that should be moved to another thread stays, or moves with its pages', () => {
    const move = `${script}
      let moved;
      try { moved = structuredClone(buffer, { transfer: [buffer] }); } catch (error) { moved = undefined; }
      file.close();
      gc();
      console.log(JSON.stringify(moved ? new Uint8Array(moved)[999999] : [buffer.byteLength]));`;
    expect([3, [0]]).toContainEqual(outputOf(move, { argument: folder.path('a') }));
  });

  it.runIf(node)('that was transferred keeps its pages until it is garbage', () => {
    const transfer = `${script}
      import { readFileSync } from 'node:fs';
      const mappings = () => readFileSync('/proc/self/maps', 'utf8').split('\\n').filter((line) => line.includes(argument)).length;
      const result = {};
      (() => {
        const moved = buffer.transfer();
        const window = file.window(0, 10);
        file.close();
        result.bytes = [buffer.byteLength, new Uint8Array(moved)[999999]];
        result.mapped = mappings();
      })();
      for (let round = 0; round < 10; round += 1) {
        gc();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      console.log(JSON.stringify({ ...result, left: mappings() }));`;
    expect(outputOf(transfer, { argument: folder.path('a'), node: node ?? '' })).toEqual({
      bytes: [0, 3],
      mapped: 1,
      left: 0,
    });
  });
});
