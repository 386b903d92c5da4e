import { copyFileSync, writeFileSync } from 'node:fs';
import { writeNpy } from '@vgpu/format';
import { afterAll, describe, expect, it } from 'vitest';
import { flipByte, makeDirty } from '../damage.js';
import { createSchema, verifySchema } from '../schemas.js';
import { brokenVerdicts, Folder, goldenNames, goldenPath, vgpu, vgpuJson } from '../vgpu.js';

const folder = new Folder();
afterAll(() => folder.remove());

const verify = (...args: string[]) => vgpuJson(verifySchema, 'file', 'verify', ...args);

describe('golden files', () => {
  it('are all good, and have no checksum of their payload', async () => {
    const names = [...goldenNames(), ...goldenNames('handmade')];
    const { code, stderr, document } = await verify(...names.map(goldenPath));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(document.files).toHaveLength(116);
    for (const file of document.files) {
      expect(file).toMatchObject({
        ok: true,
        kind: 'container',
        checksum: 'none',
        warnings: [],
        error: null,
      });
    }
  });

  it('that are broken get the code of what is wrong with them', async () => {
    const names = goldenNames('broken');
    const { code, document } = await verify(...names.map(goldenPath));
    expect(code).toBe(3);
    const found = document.files.map(({ error }, index) => [
      names[index]?.slice('broken/'.length),
      error?.code,
    ]);
    const expected = names.map((path) => {
      const name = path.slice('broken/'.length);
      const verdict = brokenVerdicts[name];
      return [name, typeof verdict === 'string' ? `ERR_VGPU_FORMAT_${verdict}` : undefined];
    });
    expect(found).toEqual(expected);
    expect(document.files.every(({ ok, error }) => ok === (error === null))).toBe(true);
    expect(document.files.filter(({ error }) => error !== null).every(({ error }) => error?.remedy)).toBe(
      true,
    );
  });

  it('that do not say what they are: an error, until told', async () => {
    const path = goldenPath('unloadable/symmetric_f64_2x2');
    expect(await vgpu('file', 'verify', path)).toMatchObject({
      code: 3,
      stdout: `${path}: not valid (ERR_VGPU_FORMAT_UNIDENTIFIED)\n`,
      stderr: expect.stringContaining('remedy: Say what it is'),
    });
    expect((await vgpu('file', 'verify', '--assume', 'symmetric:f64', path)).code).toBe(0);
  });
});

describe('a file with checksums', () => {
  it('is good; with a flipped bit the damaged chunk and its rows are named', async () => {
    const path = folder.at('large.pycauset');
    // 6 MiB: one chunk of 4 MiB, and half of another.
    await vgpuJson(
      createSchema,
      'file',
      'create',
      '--rows',
      '768',
      '--columns',
      '1024',
      '--fill',
      'random:1',
      path,
    );
    const good = await verify(path);
    expect(good.code).toBe(0);
    expect(good.document.files[0]).toMatchObject({
      ok: true,
      checksum: 'crc32',
      chunks: 2,
      payloadBytes: 6 << 20,
    });
    flipByte(path, 4096 + 600 * 8192 + 5);
    const bad = await verify(path);
    expect(bad.code).toBe(3);
    expect(bad.document.files[0]?.error?.code).toBe('ERR_VGPU_ARRAY_DAMAGED');
    expect(bad.document.files[0]?.damaged).toMatchObject([
      { chunk: 1, offset: 4096 + (4 << 20), length: 2 << 20, rows: [{ first: 512, last: 767 }] },
    ]);
    const text = await vgpu('file', 'verify', path);
    expect(text.stdout).toBe(`${path}: not valid (ERR_VGPU_ARRAY_DAMAGED)\n`);
    expect(text.stderr).toMatch(/^vgpu: .*stored rows 512 to 767.*\[ERR_VGPU_ARRAY_DAMAGED\]\n {2}remedy: /);
  });

  it('whose update was interrupted is not good', async () => {
    const path = folder.at('dirty.pycauset');
    await makeDirty(path, 1);
    const { code, document } = await verify(path);
    expect([code, document.files[0]?.error?.code]).toEqual([3, 'ERR_VGPU_FORMAT_NOT_COMMITTED']);
  });
});

it('several files, one of them missing: all are looked at, and the exit code says error', async () => {
  const good = goldenPath('dense_i8_1x1');
  const { code, document, stderr } = await verify(folder.at('missing'), good, goldenPath('broken/version_2'));
  expect(code).toBe(1);
  expect(document.files.map(({ ok, error }) => error?.code ?? ok)).toEqual([
    'ERR_VGPU_FILE_NOT_FOUND',
    true,
    'ERR_VGPU_FORMAT_UNSUPPORTED_VERSION',
  ]);
  expect(stderr.match(/^vgpu: /gm)).toHaveLength(2);
});

it('.npy files: their header and length', async () => {
  const path = folder.at('array.npy');
  writeFileSync(
    path,
    writeNpy({ dtype: 'f32', shape: [100] }, (index = 0) => index),
  );
  expect(await verify(path)).toMatchObject({
    code: 0,
    document: { files: [{ kind: 'npy', checksum: null }] },
  });
  copyFileSync(path, folder.at('cut.npy'));
  writeFileSync(folder.at('cut.npy'), writeNpy({ dtype: 'f32', shape: [100] }, () => 1).subarray(0, 300));
  const { code, document } = await verify(folder.at('cut.npy'));
  expect([code, document.files[0]?.error?.code]).toEqual([3, 'ERR_VGPU_FORMAT_TRUNCATED']);
});
