import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MappedFile } from '../src/index.js';
import { failure, rejection, startChild, useFolder } from './support.js';

const folder = useFolder();

/** Another process that has the file open. */
async function holder(path: string, options: string): Promise<ChildProcess> {
  const script = `const file = mmap.MappedFile.open(argument, ${options}); console.log('open'); setInterval(() => file, 1000);`;
  return startChild(script, path);
}

describe('two processes', () => {
  it('do not write the same file, and the lock of a killed one is free', async () => {
    const path = folder.path('a');
    writeFileSync(path, 'contents');
    const writer = await holder(path, "{ access: 'read-write' }");
    for (const access of ['read', 'read-write'] as const) {
      const error = failure(() => MappedFile.open(path, { access }));
      expect([error.code, error.values.path]).toEqual(['ERR_VGPU_MMAP_LOCKED', path]);
    }
    expect((await rejection(MappedFile.openAsync(path))).code).toBe('ERR_VGPU_MMAP_LOCKED');
    MappedFile.open(path, { lock: 'none' }).close();
    writer.kill('SIGKILL');
    await once(writer, 'exit');
    MappedFile.open(path, { access: 'read-write' }).close();
  });

  it('may both read', async () => {
    const path = folder.path('a');
    writeFileSync(path, 'contents');
    const reader = await holder(path, '{}');
    using file = MappedFile.open(path);
    expect(file.window(0, 8).bytes).toHaveLength(8);
    expect(failure(() => MappedFile.open(path, { access: 'read-write' })).code).toBe('ERR_VGPU_MMAP_LOCKED');
    reader.kill('SIGKILL');
    await once(reader, 'exit');
  });
});

describe('lock', () => {
  it('changes its kind, and goes with unlock', () => {
    const path = folder.path('a');
    using first = MappedFile.create(path, { size: 10, lock: 'none' });
    using second = MappedFile.open(path, { access: 'read-write', lock: 'none' });
    first.lock('shared');
    second.lock('shared');
    expect(failure(() => first.lock('exclusive')).code).toBe('ERR_VGPU_MMAP_LOCKED');
    second.unlock();
    first.lock('exclusive');
    expect(failure(() => second.lock('shared')).code).toBe('ERR_VGPU_MMAP_LOCKED');
    first.close();
    second.lock('exclusive');
  });

  it('of the other kind needs a file to write', () => {
    writeFileSync(folder.path('a'), 'contents');
    using file = MappedFile.open(folder.path('a'));
    expect(failure(() => file.lock('exclusive')).code).toBe('ERR_VGPU_MMAP_ARGUMENT');
    expect(failure(() => file.lock('none' as 'shared')).code).toBe('ERR_VGPU_MMAP_ARGUMENT');
  });

  it('is taken on the file that has the name, not on one that had it', async () => {
    const path = folder.path('a');
    writeFileSync(path, 'old');
    // While the old file is opened again and again, new ones take its name; each open sees one that was current.
    let replaced = 0;
    const timer = setInterval(() => {
      replaced += 1;
      writeFileSync(folder.path('b'), `new ${replaced}`);
      renameSync(folder.path('b'), path);
    }, 0);
    try {
      for (let round = 0; round < 200; round += 1) {
        const before = replaced;
        using file = await MappedFile.openAsync(path);
        const text = Buffer.alloc(20);
        const found = text.subarray(0, file.read(0, text)).toString();
        const number = found === 'old' ? 0 : Number(found.replace('new ', ''));
        expect(number).toBeGreaterThanOrEqual(before);
      }
    } finally {
      clearInterval(timer);
    }
  });
});
