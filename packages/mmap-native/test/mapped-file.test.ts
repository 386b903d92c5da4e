import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MappedFile, MmapError, maximumWindowBytes, pageSize } from '../src/index.js';
import { failure, rejection, useFolder } from './support.js';

const folder = useFolder();
const sixGibibytes = 6 * 2 ** 30;

describe('create', () => {
  it('makes a file of zeros with its space reserved', () => {
    using file = MappedFile.create(folder.path('a'), { size: 1_000_000 });
    expect(file.size).toBe(1_000_000);
    expect(file.access).toBe('read-write');
    const status = statSync(folder.path('a'));
    expect(status.blocks * 512).toBeGreaterThanOrEqual(1_000_000);
    expect(readFileSync(folder.path('a')).every((byte) => byte === 0)).toBe(true);
  });

  it('makes a sparse file when asked to', async () => {
    using file = await MappedFile.createAsync(folder.path('a'), { size: 100n * 2n ** 30n, reserve: false });
    expect(file.size).toBe(100 * 2 ** 30);
    expect(statSync(folder.path('a')).blocks).toBe(0);
  });

  it('takes over neither a file nor a link', () => {
    writeFileSync(folder.path('a'), 'old');
    symlinkSync('nowhere', folder.path('link'));
    for (const name of ['a', 'link']) {
      const error = failure(() => MappedFile.create(folder.path(name), { size: 1 }));
      expect(error.code).toBe('ERR_VGPU_MMAP_EXISTS');
      expect(error.values).toEqual({ syscall: 'open', errno: 'EEXIST', path: folder.path(name) });
      expect(error.remedy).toMatch(/replaceFile/);
    }
    expect(readFileSync(folder.path('a'), 'utf8')).toBe('old');
  });

  it('leaves nothing behind when there is not enough space', async () => {
    // More than any disk has: the file system refuses at once.
    const size = 2 ** 43;
    const codes = ['ERR_VGPU_MMAP_NO_SPACE'];
    expect(codes).toContain(failure(() => MappedFile.create(folder.path('a'), { size })).code);
    expect(codes).toContain((await rejection(MappedFile.createAsync(folder.path('a'), { size }))).code);
    expect(existsSync(folder.path('a'))).toBe(false);
  });

  it('needs a directory', () => {
    expect(failure(() => MappedFile.create(folder.path('none/a'), { size: 1 })).code).toBe(
      'ERR_VGPU_MMAP_NOT_FOUND',
    );
  });
});

describe('open', () => {
  it('opens for reading by default, links followed', async () => {
    writeFileSync(folder.path('a'), 'contents');
    symlinkSync('a', folder.path('link'));
    using file = await MappedFile.openAsync(folder.path('link'));
    expect(file.access).toBe('read');
    expect(Buffer.from(file.window(3, 5).bytes).toString()).toBe('tents');
  });

  it('opens regular files only, and does not wait for a pipe', () => {
    mkdirSync(folder.path('directory'));
    expect(failure(() => MappedFile.open(folder.path('directory'))).code).toBe('ERR_VGPU_MMAP_ARGUMENT');
    expect(failure(() => MappedFile.open('/dev/null')).code).toBe('ERR_VGPU_MMAP_ARGUMENT');
    expect(failure(() => MappedFile.open(folder.path('none'))).code).toBe('ERR_VGPU_MMAP_NOT_FOUND');
  });

  it('refuses arguments that make no sense', () => {
    const wrong = [
      () => MappedFile.open(''),
      () => MappedFile.open('a\0b'),
      () => MappedFile.open(7 as unknown as string),
      () => MappedFile.open(folder.path('a'), { access: 'write' as 'read' }),
      () => MappedFile.open(folder.path('a'), { lock: 'some' as 'none' }),
      () => MappedFile.open(folder.path('a'), { access: 'read', lock: 'exclusive' }),
      () => MappedFile.create(folder.path('a'), { size: -1 }),
      () => MappedFile.create(folder.path('a'), { size: 1.5 }),
      () => MappedFile.create(folder.path('a'), { size: 2n ** 60n }),
      () => MappedFile.create(folder.path('a'), { size: '5' as unknown as number }),
    ];
    for (const work of wrong) expect(failure(work).code).toBe('ERR_VGPU_MMAP_ARGUMENT');
    expect(existsSync(folder.path('a'))).toBe(false);
  });
});

describe('window', () => {
  it('shows any range, aligned or not, and shares it with other windows', () => {
    using file = MappedFile.create(folder.path('a'), { size: 10 * pageSize() });
    const offset = pageSize() + 24;
    const whole = file.window(0, file.size);
    const part = file.window(offset, 3 * pageSize());
    part.bytes.set([1, 2, 3], 5);
    expect(whole.bytes.subarray(offset + 5, offset + 8)).toEqual(new Uint8Array([1, 2, 3]));
    expect([part.offset, part.length, part.bytes.length]).toEqual([offset, 3 * pageSize(), 3 * pageSize()]);
    // What is aligned in the file is aligned for typed arrays.
    expect(new Float64Array(part.bytes.buffer, part.bytes.byteOffset, 10)).toHaveLength(10);
    expect(part.bytes).toBe(part.bytes);
  });

  it('reaches beyond 4 GiB, by numbers and by bigints', () => {
    using file = MappedFile.create(folder.path('a'), { size: sixGibibytes + 100, reserve: false });
    file.window(BigInt(sixGibibytes) + 7n, 3n).bytes.set([4, 5, 6]);
    const read = new Uint8Array(5);
    expect(file.read(sixGibibytes + 6, read)).toBe(5);
    expect([...read]).toEqual([0, 4, 5, 6, 0]);
  });

  it('may be as long as an ArrayBuffer, and no longer', () => {
    using file = MappedFile.create(folder.path('a'), { size: sixGibibytes, reserve: false });
    const largest = file.window(pageSize(), maximumWindowBytes);
    expect(largest.bytes.length).toBe(2 ** 32);
    largest.bytes[maximumWindowBytes - 1] = 9;
    expect(file.window(pageSize() + maximumWindowBytes - 1, 1).bytes[0]).toBe(9);
    for (const [offset, length] of [
      [0, maximumWindowBytes + 1],
      [1, maximumWindowBytes],
      [0, 0],
      [sixGibibytes, 1],
      [sixGibibytes - 1, 2],
      [2 ** 52, 2 ** 52],
    ] as const) {
      expect(failure(() => file.window(offset, length)).code).toBe('ERR_VGPU_MMAP_RANGE');
    }
  });

  it('of a file open for reading keeps what is written to itself', () => {
    writeFileSync(folder.path('a'), 'contents');
    using file = MappedFile.open(folder.path('a'));
    const window = file.window(0, 8);
    window.bytes[0] = 0;
    file.flush();
    expect(window.bytes[0]).toBe(0);
    expect(readFileSync(folder.path('a'), 'utf8')).toBe('contents');
  });

  it('has no bytes once it is closed, nor once its file is', () => {
    const file = MappedFile.create(folder.path('a'), { size: 100 });
    const [first, second] = [file.window(0, 10), file.window(10, 10)];
    const [firstBytes, secondBytes] = [first.bytes, second.bytes];
    first.close();
    first.close();
    expect([first.closed, firstBytes.length, secondBytes.length]).toEqual([true, 0, 10]);
    expect(failure(() => first.bytes).code).toBe('ERR_VGPU_MMAP_CLOSED');
    file.close();
    file.close();
    expect([file.closed, second.closed, secondBytes.length]).toEqual([true, true, 0]);
    // A late access does nothing.
    secondBytes[3] = 1;
    expect(secondBytes[3]).toBeUndefined();
  });
});

describe('read and write', () => {
  it('copies, short only at the end of the file', async () => {
    using file = MappedFile.create(folder.path('a'), { size: 0 });
    file.write(3, Buffer.from('abc'));
    await file.writeAsync(6n, Buffer.from('def'));
    expect(file.size).toBe(9);
    const target = new Uint8Array(100);
    expect(file.read(0, target)).toBe(9);
    expect(await file.readAsync(4, target)).toBe(5);
    expect(Buffer.from(target.subarray(0, 5)).toString()).toBe('bcdef');
    expect(file.read(9, target)).toBe(0);
    expect(file.read(2 ** 52, target)).toBe(0);
    expect(failure(() => file.read(0, [] as unknown as Uint8Array)).code).toBe('ERR_VGPU_MMAP_ARGUMENT');
    expect((await rejection(file.writeAsync(-1, target))).code).toBe('ERR_VGPU_MMAP_ARGUMENT');
  });

  it('does not write to a file that is open for reading', async () => {
    writeFileSync(folder.path('a'), 'contents');
    using file = MappedFile.open(folder.path('a'));
    const refused = [
      () => file.write(0, Buffer.from('x')),
      () => file.resize(1),
      () => file.reserve(0, 100),
      () => file.punchHole(0, 8),
      () => file.copyWithin(0, 4, 4),
    ];
    for (const work of refused) expect(failure(work).code).toBe('ERR_VGPU_MMAP_ACCESS');
    expect(readFileSync(folder.path('a'), 'utf8')).toBe('contents');
  });

  it('goes through windows of other files too, though they are closed meanwhile', async () => {
    const size = 32 * 2 ** 20;
    using source = MappedFile.create(folder.path('source'), { size });
    source.window(0, size).bytes.fill(7);
    using target = MappedFile.create(folder.path('target'), { size });
    const window = target.window(0, size);
    const reading = source.readAsync(0, window.bytes);
    window.close();
    expect(await reading).toBe(size);
    expect(target.window(size - 1, 1).bytes[0]).toBe(7);
  });
});

describe('space', () => {
  it('resizes, but not below a window', () => {
    using file = MappedFile.create(folder.path('a'), { size: 100 });
    const window = file.window(50, 20);
    file.resize(70);
    const error = failure(() => file.resize(69));
    expect([error.code, error.values.offset]).toEqual(['ERR_VGPU_MMAP_RANGE', 70]);
    window.close();
    file.resize(10n);
    expect(file.size).toBe(10);
    file.resize(1000);
    expect(file.window(0, 1000).bytes.every((byte) => byte === 0)).toBe(true);
  });

  it('reserves and gives back', async () => {
    const block = 2 ** 20;
    using file = MappedFile.create(folder.path('a'), { size: 10, reserve: false });
    await file.reserveAsync(block, 3 * block);
    expect(file.size).toBe(4 * block);
    file.reserve(0, 0);
    const before = statSync(folder.path('a')).blocks;
    file.window(0, 4 * block).bytes.fill(1);
    // Only pages wholly inside: the bytes at both ends stay.
    file.punchHole(block + 1, 2 * block - 2);
    const { bytes } = file.window(0, 4 * block);
    expect([bytes[block + 1], bytes[block + pageSize()], bytes[3 * block - 2]]).toEqual([1, 0, 1]);
    expect(statSync(folder.path('a')).blocks).toBeLessThan(before);
    file.punchHole(1, pageSize() - 1);
    expect(bytes[5]).toBe(1);
  });

  it('copies inside the file, but not onto itself', async () => {
    using file = MappedFile.create(folder.path('a'), { size: 30 });
    file.write(0, Buffer.from('0123456789'));
    file.copyWithin(0, 20, 10);
    await file.copyWithinAsync(20, 10n, 10);
    expect(readFileSync(folder.path('a'), 'utf8')).toBe('012345678901234567890123456789');
    expect(failure(() => file.copyWithin(0, 5, 10)).code).toBe('ERR_VGPU_MMAP_ARGUMENT');
    expect((await rejection(file.copyWithinAsync(0, 25, 10))).code).toBe('ERR_VGPU_MMAP_RANGE');
    file.copyWithin(0, 0, 0);
  });
});

it('keeps the file that it has opened when another takes its name', () => {
  writeFileSync(folder.path('a'), 'old');
  using file = MappedFile.open(folder.path('a'));
  const window = file.window(0, 3);
  writeFileSync(folder.path('b'), 'new');
  renameSync(folder.path('b'), folder.path('a'));
  expect(Buffer.from(window.bytes).toString()).toBe('old');
  expect(file.faulted).toBe(false);
  using renewed = MappedFile.open(folder.path('a'));
  expect(Buffer.from(renewed.window(0, 3).bytes).toString()).toBe('new');
});

it('does nothing after close', async () => {
  const file = MappedFile.create(folder.path('a'), { size: 100 });
  file.close();
  const calls = [
    () => file.size,
    () => file.window(0, 1),
    () => file.read(0, new Uint8Array(1)),
    () => file.write(0, new Uint8Array(1)),
    () => file.resize(1),
    () => file.flush(),
    () => file.discard(),
    () => file.advise('random'),
    () => file.prefetch(),
    () => file.residentBytes(),
    () => file.lock('shared'),
    () => file.unlock(),
    () => file.pin(),
  ];
  for (const call of calls) expect(failure(call).code).toBe('ERR_VGPU_MMAP_CLOSED');
  expect((await rejection(file.flushAsync())).code).toBe('ERR_VGPU_MMAP_CLOSED');
  expect(failure(() => file.flush())).toBeInstanceOf(MmapError);
});
