// What a user does with the package, in Node for Windows. Run by ctest (CMakeLists.txt), on dist/.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import {
  cleanStaleFiles,
  cleanStaleFilesAsync,
  MappedFile,
  pageSize,
  replaceFile,
  replaceFileAsync,
  ScratchMemory,
} from '../../dist/index.js';

const GiB = 2 ** 30;
let directory = '';

before(() => {
  assert.equal(process.platform, 'win32');
  directory = mkdtempSync(join(tmpdir(), 'vgpu größe 😀 '));
});

after(() => rmSync(directory, { recursive: true }));

function fails(call, code) {
  assert.throws(call, (error) => {
    assert.equal(error.code, code, error.message);
    return true;
  });
}

/** Another process, which does what `holder.mjs` says. */
async function startHolder(...args) {
  const script = fileURLToPath(new URL('holder.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(createInterface(child.stdout), 'line');
  return {
    said: line,
    async kill() {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

describe('a mapped file', () => {
  test('is created once, written through a window, flushed and read back', async () => {
    const path = join(directory, 'ä 😀.bin');
    const file = MappedFile.create(path, { size: 200_000 });
    assert.equal(statSync(path).size, 200_000);
    fails(() => MappedFile.create(path, { size: 1 }), 'ERR_VGPU_MMAP_EXISTS');
    assert.equal(readdirSync(directory).includes('ä 😀.bin'), true);

    const window = file.window(70_001, 100_000);
    window.bytes.fill(7);
    file.flush();
    await file.flushAsync(70_001, 5);
    const { bytes } = window;
    file.close();
    assert.equal(bytes.length, 0);
    fails(() => window.bytes, 'ERR_VGPU_MMAP_CLOSED');
    fails(() => file.flush(), 'ERR_VGPU_MMAP_CLOSED');

    const contents = readFileSync(path);
    assert.equal(contents[70_000], 0);
    assert.equal(
      contents.subarray(70_001, 170_001).every((byte) => byte === 7),
      true,
    );
    assert.equal(contents[170_001], 0);
  });

  test('opened for reading only keeps stray writes to itself, and has nothing to flush', () => {
    const path = join(directory, 'read-only');
    writeFileSync(path, 'original');
    const file = MappedFile.open(path);
    const window = file.window(0, 8);
    window.bytes[0] = 0;
    file.flush();
    fails(() => file.write(0, new Uint8Array(1)), 'ERR_VGPU_MMAP_ACCESS');
    file.close();
    assert.equal(readFileSync(path, 'utf8'), 'original');
  });

  test('reaches beyond 4 GiB', async () => {
    const file = await MappedFile.createAsync(join(directory, 'large'), { size: 6 * GiB, reserve: false });
    const offset = 5 * GiB + 12_345;
    const window = file.window(BigInt(offset), 3);
    window.bytes.set([1, 2, 3]);
    file.write(offset + 3, Uint8Array.of(4));
    const target = new Uint8Array(5);
    assert.equal(await file.readAsync(offset, target), 5);
    assert.deepEqual([...target], [1, 2, 3, 4, 0]);
    file.read(offset - 4 * GiB, target);
    assert.deepEqual([...target], [0, 0, 0, 0, 0]);
    assert.equal(file.size, 6 * GiB);
    fails(() => file.window(6 * GiB - 1, 2), 'ERR_VGPU_MMAP_RANGE');
    file.close();
  });

  test('refuses offsets and lengths that make no sense', () => {
    const file = MappedFile.create(join(directory, 'ranges'), { size: 10 });
    fails(() => file.window(-1, 1), 'ERR_VGPU_MMAP_ARGUMENT');
    fails(() => file.window(0.5, 1), 'ERR_VGPU_MMAP_ARGUMENT');
    fails(() => file.window(10, 1), 'ERR_VGPU_MMAP_RANGE');
    fails(() => file.flush(11), 'ERR_VGPU_MMAP_RANGE');
    file.close();
  });

  test('gives memory back and keeps the data', async () => {
    const size = 64 * pageSize();
    const file = MappedFile.create(join(directory, 'discarded'), { size });
    const window = file.window(0, size);
    window.bytes.fill(9);
    assert.equal(file.residentBytes(), size);
    file.discard();
    await file.discardAsync();
    assert.equal(
      window.bytes.every((byte) => byte === 9),
      true,
    );
    file.advise('sequential');
    file.prefetch();
    await file.prefetchAsync();
    file.pin(0, pageSize());
    file.unpin();
    file.close();
  });

  test('grows, and is not cut off under a window', () => {
    const file = MappedFile.create(join(directory, 'resized'), { size: 100_000 });
    const window = file.window(90_000, 10_000);
    fails(() => file.resize(1), 'ERR_VGPU_MMAP_RANGE');
    file.resize(300_000);
    file.reserve(300_000, 50_000);
    assert.equal(file.size, 350_000);
    window.close();
    file.resize(1);
    assert.equal(file.size, 1);
    file.close();
  });

  test('copies within itself', async () => {
    const file = MappedFile.create(join(directory, 'copied'), { size: 100 });
    file.write(0, Uint8Array.of(1, 2, 3));
    await file.copyWithinAsync(0, 50, 3);
    const target = new Uint8Array(3);
    file.read(50, target);
    assert.deepEqual([...target], [1, 2, 3]);
    file.close();
  });

  test('says what is wrong with a path', () => {
    fails(() => MappedFile.open(join(directory, 'none')), 'ERR_VGPU_MMAP_NOT_FOUND');
    fails(() => MappedFile.create(join(directory, 'none', 'x'), { size: 1 }), 'ERR_VGPU_MMAP_NOT_FOUND');
    fails(() => MappedFile.open(directory), 'ERR_VGPU_MMAP_ACCESS');
  });

  test('has a long path', () => {
    const path = join(directory, 'l'.repeat(240));
    MappedFile.create(path, { size: 1 }).close();
    assert.equal(path.length > 260, true);
    replaceFile(path, (file) => file.write(0, Buffer.from('ab')), { size: 2 });
    const file = MappedFile.open(path);
    assert.equal(file.size, 2);
    file.close();
  });
});

describe('locks between two processes', () => {
  test('exclude writers, admit readers, and go with the process', async () => {
    const path = join(directory, 'locked');
    writeFileSync(path, 'contents');
    const reader = await startHolder('open', path, 'read');
    assert.equal(reader.said, 'held');
    fails(() => MappedFile.open(path, { access: 'read-write' }), 'ERR_VGPU_MMAP_LOCKED');
    MappedFile.open(path).close();
    await reader.kill();

    const writer = await startHolder('open', path, 'read-write');
    assert.equal(writer.said, 'held');
    fails(() => MappedFile.open(path), 'ERR_VGPU_MMAP_LOCKED');
    // The lock keeps nobody from looking, also with other means than ours.
    assert.equal(readFileSync(path, 'utf8'), 'contents');
    const looker = MappedFile.open(path, { lock: 'none' });
    assert.equal(looker.size, 8);
    fails(() => looker.lock('shared'), 'ERR_VGPU_MMAP_LOCKED');
    await writer.kill();
    looker.lock('shared');
    looker.close();
  });

  test('change their kind', () => {
    const path = join(directory, 'relocked');
    const first = MappedFile.create(path, { size: 1 });
    first.lock('shared');
    const second = MappedFile.open(path);
    fails(() => first.lock('exclusive'), 'ERR_VGPU_MMAP_LOCKED');
    second.close();
    first.lock('exclusive');
    first.unlock();
    MappedFile.open(path, { access: 'read-write' }).close();
    first.close();
  });
});

describe('replacing a file', () => {
  test('gives the new contents, or leaves the old ones', async () => {
    const path = join(directory, 'replaced');
    replaceFile(path, (file) => file.write(0, Buffer.from('first')), { size: 5 });
    assert.equal(readFileSync(path, 'utf8'), 'first');
    await replaceFileAsync(path, async (file) => file.window(0, 6).bytes.set(Buffer.from('second')), {
      size: 6,
    });
    assert.equal(readFileSync(path, 'utf8'), 'second');
    assert.throws(() => replaceFile(path, () => assert.fail('on purpose'), { size: 1 }), /on purpose/);
    assert.equal(readFileSync(path, 'utf8'), 'second');
    assert.deepEqual(
      readdirSync(directory).filter((name) => name.endsWith('.tmp')),
      [],
    );
  });
});

describe('scratch memory', () => {
  test('without a file reads as zero when it is discarded', async () => {
    const scratch = ScratchMemory.create(1_000_000);
    const window = scratch.window(500_000, 500_000);
    window.bytes.fill(1);
    scratch.discard();
    assert.equal(
      window.bytes.every((byte) => byte === 0),
      true,
    );
    window.bytes.fill(1);
    await scratch.discardAsync(0, 1_000_000);
    assert.equal(
      window.bytes.every((byte) => byte === 0),
      true,
    );
    fails(() => scratch.release(), 'ERR_VGPU_MMAP_UNSUPPORTED');
    scratch.close();
  });

  test('with a file leaves nothing behind', async (context) => {
    const folder = mkdtempSync(join(directory, 'scratch-'));
    for (const named of [false, true]) {
      const scratch = ScratchMemory.create(1_000_000, { directory: folder, named });
      assert.equal(scratch.path !== undefined, named);
      assert.equal(readdirSync(folder).length, 1);
      const window = scratch.window(0, 1_000_000);
      window.bytes.fill(1);
      scratch.release();
      assert.equal(
        window.bytes.every((byte) => byte === 1),
        true,
      );
      assert.deepEqual(
        cleanStaleFiles(folder).map(({ reason }) => reason),
        ['in-use'],
      );
      try {
        await scratch.discardAsync();
        assert.equal(
          window.bytes.every((byte) => byte === 0),
          true,
        );
      } catch (error) {
        if (error.code !== 'ERR_VGPU_MMAP_UNSUPPORTED') throw error;
        context.diagnostic(`not tested: discarding scratch files (${error.values.errno})`);
      }
      scratch.close();
      assert.deepEqual(readdirSync(folder), []);
    }
  });
});

describe('what a killed process leaves', () => {
  test('is removed, and nothing else', async () => {
    const folder = mkdtempSync(join(directory, 'stale-'));
    writeFileSync(join(folder, 'mine.tmp'), '');
    const holder = await startHolder('scratch', folder, 'named');
    assert.equal(readdirSync(folder).length, 2);
    assert.deepEqual(
      (await cleanStaleFilesAsync(folder)).map(({ reason }) => reason),
      ['in-use'],
    );
    await holder.kill();
    assert.equal(cleanStaleFiles(folder, { dryRun: true })[0].reason, 'dry-run');
    const [removed] = cleanStaleFiles(folder);
    assert.equal(removed.removed, true);
    assert.equal(removed.pid, Number(holder.said));
    assert.deepEqual(readdirSync(folder), ['mine.tmp']);
  });

  test('without a name is gone with it', async () => {
    const folder = mkdtempSync(join(directory, 'unnamed-'));
    const holder = await startHolder('scratch', folder, 'unnamed');
    assert.equal(readdirSync(folder).length, 1);
    await holder.kill();
    assert.deepEqual(readdirSync(folder), []);
  });
});

test('a worker thread uses the package and ends with open windows', async () => {
  const script = new URL('holder.mjs', import.meta.url);
  const path = join(directory, 'worker');
  writeFileSync(path, 'worker');
  const worker = new Worker(script, { argv: ['window', path] });
  const [said] = await once(worker, 'message');
  await worker.terminate();
  assert.equal(said, 'worker');
  // Also where the thread was the only one that had loaded the addon.
  const alone = spawn(process.execPath, [fileURLToPath(script), 'worker', path], { stdio: 'inherit' });
  assert.deepEqual(await once(alone, 'exit'), [0, null]);
  MappedFile.open(path, { access: 'read-write' }).close();
});
