import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type MappedFile, replaceFile, replaceFileAsync } from '../src/index.js';
import { failure, rejection, runChild, useFolder } from './support.js';

const folder = useFolder();

const put = (text: string) => (file: MappedFile) => file.window(0, text.length).bytes.set(Buffer.from(text));

describe('replaceFile', () => {
  it('makes a new file, or replaces an old one', async () => {
    replaceFile(folder.path('a'), put('first'), { size: 5 });
    expect(readFileSync(folder.path('a'), 'utf8')).toBe('first');
    await replaceFileAsync(
      folder.path('a'),
      async (file) => {
        await sleep(1);
        put('second')(file);
      },
      { size: 6n },
    );
    expect(readFileSync(folder.path('a'), 'utf8')).toBe('second');
    expect(readdirSync(folder.path())).toEqual(['a']);
  });

  it('closes the file afterwards', async () => {
    let kept: MappedFile | undefined;
    await replaceFileAsync(
      folder.path('a'),
      (file) => {
        kept = file;
      },
      { size: 1 },
    );
    expect(kept?.closed).toBe(true);
  });

  it('shows nobody a file that is half written', () => {
    writeFileSync(folder.path('a'), 'old');
    replaceFile(
      folder.path('a'),
      (file) => {
        put('new')(file);
        expect(readFileSync(folder.path('a'), 'utf8')).toBe('old');
        expect(
          readdirSync(folder.path()).filter((name) => /^vgpu-\d+-[0-9a-f]{16}\.tmp$/.test(name)),
        ).toHaveLength(1);
      },
      { size: 3 },
    );
    expect(readFileSync(folder.path('a'), 'utf8')).toBe('new');
  });

  it('keeps the mode of an old file, and gives a new one what the umask leaves', () => {
    writeFileSync(folder.path('a'), 'old');
    chmodSync(folder.path('a'), 0o640);
    replaceFile(folder.path('a'), (file) => expect(statSync(file.path).mode & 0o777).toBe(0o640), {
      size: 1,
    });
    expect(statSync(folder.path('a')).mode & 0o777).toBe(0o640);
    replaceFile(folder.path('a'), () => {}, { size: 1, mode: 0o600 });
    expect(statSync(folder.path('a')).mode & 0o777).toBe(0o600);
    writeFileSync(folder.path('reference'), '');
    replaceFile(folder.path('b'), () => {}, { size: 1 });
    expect(statSync(folder.path('b')).mode).toBe(statSync(folder.path('reference')).mode);
  });

  it('replaces what a link points to, and leaves the link', () => {
    mkdirSync(folder.path('elsewhere'));
    symlinkSync('elsewhere/a', folder.path('link'));
    replaceFile(folder.path('link'), put('text'), { size: 4 });
    expect(readFileSync(folder.path('elsewhere/a'), 'utf8')).toBe('text');
    expect(readFileSync(folder.path('link'), 'utf8')).toBe('text');
    expect(readdirSync(folder.path())).toEqual(['elsewhere', 'link']);
  });

  it('finds its way when the path leads through a link and back, or the working directory changes', () => {
    mkdirSync(folder.path('elsewhere/inner'), { recursive: true });
    symlinkSync('elsewhere/inner', folder.path('link'));
    const script = `
      process.chdir(argument);
      mmap.replaceFile('link/../a', (file) => { process.chdir('/'); file.window(0, 1).bytes[0] = 65; }, { size: 1 });
      process.chdir(argument);
      const file = mmap.MappedFile.create('b', { size: 1 });
      const scratch = mmap.ScratchMemory.create(1, { directory: '.', named: true });
      process.chdir('/');
      file.flush();
      scratch.close();`;
    expect(runChild(script, { argument: folder.path() }).stderr).toBe('');
    expect(readFileSync(folder.path('elsewhere/a'), 'utf8')).toBe('A');
    expect(readdirSync(folder.path())).toEqual(['b', 'elsewhere', 'link']);
  });

  it('leaves the old file, and nothing else, when the writer fails', async () => {
    writeFileSync(folder.path('a'), 'old');
    const broken = new Error('no data');
    const fail = () => {
      throw broken;
    };
    expect(() => replaceFile(folder.path('a'), fail, { size: 10 })).toThrow(broken);
    await expect(replaceFileAsync(folder.path('a'), async () => fail(), { size: 10 })).rejects.toBe(broken);
    expect(failure(() => replaceFile(folder.path('a'), (file) => file.close(), { size: 1 })).code).toBe(
      'ERR_VGPU_MMAP_CLOSED',
    );
    const asynchronous = async () => {};
    expect(failure(() => replaceFile(folder.path('a'), asynchronous, { size: 1 })).code).toBe(
      'ERR_VGPU_MMAP_ARGUMENT',
    );
    expect(readdirSync(folder.path())).toEqual(['a']);
    expect(readFileSync(folder.path('a'), 'utf8')).toBe('old');
  });

  it('leaves the old file when it is aborted', async () => {
    writeFileSync(folder.path('a'), 'old');
    const controller = new AbortController();
    const write = () => controller.abort();
    const error = await rejection(
      replaceFileAsync(folder.path('a'), write, { size: 5, signal: controller.signal }),
    );
    expect(error.code).toBe('ERR_VGPU_MMAP_ABORTED');
    expect(readdirSync(folder.path())).toEqual(['a']);
    expect(readFileSync(folder.path('a'), 'utf8')).toBe('old');
    const before = await rejection(
      replaceFileAsync(folder.path('a'), put('new'), { size: 5, signal: AbortSignal.abort() }),
    );
    expect(before.code).toBe('ERR_VGPU_MMAP_ABORTED');
  });

  it('leaves the old file when the system fails at any step', () => {
    const script = `
      const codes = [];
      for (const call of ['fallocate:5', 'fdatasync:5', 'msync:5', 'rename:5', 'ftruncate:5']) {
        process.env.VGPU_FAIL_CALL = call;
        const reserve = call !== 'ftruncate:5';
        try {
          mmap.replaceFile(argument, (file) => file.window(0, 3).bytes.fill(1), { size: 3, reserve });
          codes.push('');
        } catch (error) { codes.push(error.code); }
      }
      console.log(JSON.stringify(codes));`;
    writeFileSync(folder.path('a'), 'old');
    const result = runChild(script, { argument: folder.path('a'), failCall: '' });
    expect(JSON.parse(result.stdout)).toEqual([
      'ERR_VGPU_MMAP_IO',
      'ERR_VGPU_MMAP_POISONED',
      'ERR_VGPU_MMAP_POISONED',
      'ERR_VGPU_MMAP_IO',
      'ERR_VGPU_MMAP_IO',
    ]);
    expect(readdirSync(folder.path())).toEqual(['a']);
    expect(readFileSync(folder.path('a'), 'utf8')).toBe('old');
  });

  it('says so when only the directory could not be flushed', () => {
    const script = `
      try { mmap.replaceFile(argument, (file) => file.window(0, 3).bytes.fill(65), { size: 3 }); }
      catch (error) { console.log(error.code, error.values.syscall); }`;
    const result = runChild(script, { argument: folder.path('a'), failCall: 'fsync:5' });
    expect(result.stdout).toBe('ERR_VGPU_MMAP_IO fsync\n');
    expect(readFileSync(folder.path('a'), 'utf8')).toBe('AAA');
  });

  it('does not replace a directory', () => {
    mkdirSync(folder.path('directory'));
    expect(failure(() => replaceFile(folder.path('directory'), () => {}, { size: 1 })).values.errno).toBe(
      'EISDIR',
    );
    expect(readdirSync(folder.path())).toEqual(['directory']);
  });
});
