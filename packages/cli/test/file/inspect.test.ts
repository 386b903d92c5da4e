import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { encodeHeader, meta, writeContainer, writeNpy } from '@vgpu/format';
import { afterAll, describe, expect, it } from 'vitest';
import { inspectSchema } from '../schemas.js';
import { cli, Folder, golden, goldenPath, vgpu, vgpuJson } from '../vgpu.js';

const folder = new Folder();
afterAll(() => folder.remove());

const inspect = (path: string, ...options: string[]) =>
  vgpuJson(inspectSchema, 'file', 'inspect', path, ...options);

describe('a container', () => {
  it.each(['dense_f64_7x7', 'triangular_bit_130x130', 'vector_cf16_65', 'identity_3x5', 'gen2_i32_3x5'])(
    '%s shows what its side-car says',
    async (name) => {
      const { code, stderr, document } = await inspect(goldenPath(name));
      const expected = golden(name);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(document).toMatchObject({
        ok: true,
        kind: 'container',
        committed: true,
        error: null,
        warnings: [],
      });
      expect(document.array).toMatchObject({ structure: expected.structure, rows: expected.shape[0] });
      const active = document.slots.find((slot) => slot.active);
      expect(active).toMatchObject({
        name: expected.active_slot,
        generation: expected.generation,
        checksumOk: true,
      });
      expect(document.checksum).toBeNull();
    },
  );

  it.each(['dense_f64_7x7', 'gen2_bit_65x65', 'handmade/hot_f64_3x5', 'handmade/metadata_first_f64_3x5'])(
    'the regions of %s cover the file without overlap',
    async (name) => {
      const { document } = await inspect(goldenPath(name));
      let end = 0;
      for (const { offset, length } of document.regions) {
        expect(offset).toBe(end);
        end += length;
      }
      expect(end).toBe(document.bytes);
      const kinds = document.regions.map(({ kind }) => kind);
      expect(kinds).toEqual(expect.arrayContaining(['header', 'slot', 'payload', 'metadata']));
      expect(kinds.includes('hot')).toBe(name.includes('hot'));
    },
  );

  it('is drawn in ASCII, without colours, where there is no terminal', async () => {
    const { code, stdout } = await vgpu('file', 'inspect', goldenPath('gen2_i32_3x5'));
    expect(code).toBe(0);
    expect(stdout).toContain('3 x 5 dense i32');
    expect(stdout).toMatch(/slot A +not active: an older generation/);
    expect(stdout).toMatch(/slot B +active: the newest generation/);
    expect(stdout).toMatch(/^4096 \+-+\+\n +\| payload of both slots +60 B \|\n4156 \+-+\+$/m);
    expect(stdout).toMatch(/\| older metadata of slot A +321 B \|/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what must not be there.
    expect(stdout).not.toMatch(/[\x1b\u0080-\uffff]/);
  });

  it('is drawn with lines at a terminal, and coloured unless NO_COLOR is set', () => {
    const at = (environment: object) => {
      // util-linux's script gives the command a terminal.
      const command = `${process.execPath} ${cli} file inspect ${goldenPath('dense_f64_7x7')}`;
      const env = { PATH: process.env.PATH, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8', ...environment };
      return spawnSync('script', ['-qec', command, '/dev/null'], { env, encoding: 'utf8', timeout: 20_000 });
    };
    const coloured = at({});
    expect(coloured).toMatchObject({ status: 0 });
    expect(coloured.stdout).toContain('│ payload of both slots');
    expect(coloured.stdout).toContain('\x1b[32mactive\x1b[39m');
    const plain = at({ NO_COLOR: '1' });
    expect(plain.stdout).toContain('│ payload of both slots');
    expect(plain.stdout).not.toContain('\x1b[');
  });

  it('holds text that cannot speak to the terminal', async () => {
    const path = folder.at('hostile.pycauset');
    const descriptor = { structure: 'dense', dtype: 'u8', rows: 1, columns: 1, payloadUuid: 'a' } as const;
    const metadata = new Map([
      ['\x1b]0;owned\x07', meta.string('x')],
      ['note', meta.string('\x1b[2J')],
      ['blob', meta.bytes(Uint8Array.of(0xab, 0xcd))],
      ['large', meta.u64(2n ** 64n - 1n)],
      ['strange', meta.f64(Number.NaN)],
    ]);
    writeFileSync(path, writeContainer({ descriptor, payload: Uint8Array.of(1), metadata }));
    const { stdout } = await vgpu('file', 'inspect', path);
    expect(stdout).not.toContain('\x1b');
    expect(stdout).toContain('large = 18446744073709551615');
    const { document } = await inspect(path);
    expect(document.metadata).toMatchObject({
      blob: 'abcd',
      large: '18446744073709551615',
      strange: 'NaN',
      note: '\x1b[2J',
    });
  });
});

describe('a damaged file', () => {
  it.each([
    ['broken/gen2_torn_slotB_half', 0, null, ['slot-ignored', 'unreferenced-bytes']],
    ['broken/appended_garbage', 0, null, ['unreferenced-bytes']],
    ['broken/slotAB_crc', 3, 'ERR_VGPU_FORMAT_BAD_CHECKSUM', []],
    ['broken/trunc_00204', 3, 'ERR_VGPU_FORMAT_TRUNCATED', []],
    ['broken/trunc_04550', 3, 'ERR_VGPU_FORMAT_TRUNCATED', []],
    ['broken/endian_2', 3, 'ERR_VGPU_FORMAT_OUT_OF_RANGE', []],
    ['broken/version_2', 3, 'ERR_VGPU_FORMAT_UNSUPPORTED_VERSION', []],
    ['broken/generation_i64_wrap', 3, 'ERR_VGPU_FORMAT_OUT_OF_RANGE', []],
    ['broken/slots_payload_offset_u64_wrap', 3, 'ERR_VGPU_FORMAT_OUT_OF_RANGE', []],
    ['broken/meta_deep_nesting', 3, 'ERR_VGPU_FORMAT_BAD_METADATA', []],
    ['broken/crash_payload_not_written', 3, 'ERR_VGPU_FORMAT_NOT_COMMITTED', []],
    ['broken/magic_first_byte', 3, 'ERR_VGPU_FORMAT_BAD_MAGIC', []],
    ['unloadable/symmetric_f64_2x2', 3, 'ERR_VGPU_FORMAT_UNIDENTIFIED', []],
  ])('%s: exit %i, %s', async (name, code, error, warnings) => {
    const result = await inspect(goldenPath(name));
    expect(result.code).toBe(code);
    expect(result.document.ok).toBe(code === 0);
    expect(result.document.error?.code ?? null).toBe(error);
    expect(result.document.warnings.map((warning) => warning.code)).toEqual(warnings);
  });

  it('with a bad preamble still shows its slots', async () => {
    const { document } = await inspect(goldenPath('broken/version_2'));
    expect(document.slots.map(({ generation, valid }) => ({ generation, valid }))).toEqual([
      { generation: 1, valid: true },
      { generation: 0, valid: true },
    ]);
  });

  it('with a torn slot shows what the slot says, and why it is not believed', async () => {
    const { document } = await inspect(goldenPath('broken/gen2_torn_slotB_half'));
    expect(document.slots[1]).toMatchObject({
      generation: 2,
      checksumOk: false,
      valid: false,
      active: false,
    });
    expect(document.slots[1]?.reason).toMatch(/slot B does not match its CRC-32/);
    expect(document.regions.at(-1)).toMatchObject({ kind: 'gap', name: 'unreferenced bytes, not zero' });
  });

  it('without structure and dtype is shown as what it is assumed to be', async () => {
    const { code, document } = await inspect(
      goldenPath('unloadable/symmetric_f64_2x2'),
      '--assume',
      'symmetric:f64',
    );
    expect(code).toBe(0);
    expect(document.array).toMatchObject({ structure: 'symmetric', dtype: 'f64', rows: 2 });
    expect(document.warnings.map((warning) => warning.code)).toEqual(['structure-assumed']);
  });

  it('cut off at any byte is no reason to crash', async () => {
    const whole = readFileSync(goldenPath('gen2_i32_3x5'));
    for (const length of [0, 1, 12, 17, 100, 145, 271, 272, 4500]) {
      writeFileSync(folder.at('cut'), whole.subarray(0, length));
      const { code, stdout } = await vgpu('file', 'inspect', folder.at('cut'));
      expect([length, code]).toEqual([length, length === 4500 ? 0 : 3]);
      if (code === 3) expect(stdout).toMatch(/error +ERR_VGPU_FORMAT_.+\n +remedy: .+/);
    }
  });
});

describe('other kinds of files', () => {
  it('.npy', async () => {
    const path = folder.at('array.npy');
    writeFileSync(
      path,
      writeNpy({ dtype: 'i32', shape: [2, 3] }, () => 1),
    );
    const { code, document } = await inspect(path);
    expect(code).toBe(0);
    expect(document).toMatchObject({
      kind: 'npy',
      npy: { dtype: 'i32', shape: [2, 3], fortranOrder: false },
      payload: { offset: 128, length: 24 },
    });
    truncateSync(path, 140);
    const cut = await inspect(path);
    expect([cut.code, cut.document.error?.code]).toEqual([3, 'ERR_VGPU_FORMAT_TRUNCATED']);
    writeFileSync(path, Buffer.concat([writeNpy({ dtype: 'u8', shape: [1] }, () => 1), Buffer.from('more')]));
    expect((await inspect(path)).document.warnings).toMatchObject([{ code: 'unreferenced-bytes' }]);
  });

  it('simple', async () => {
    const path = folder.at('scratch');
    writeFileSync(path, Buffer.concat([encodeHeader(), Buffer.alloc(1000, 1)]));
    const { code, document } = await inspect(path);
    expect(code).toBe(0);
    expect(document).toMatchObject({ kind: 'simple', payload: { offset: 64, length: 1000 }, slots: [] });
  });

  it('sparse, and too large for memory', async () => {
    const path = folder.at('large.pycauset');
    copyFileSync(goldenPath('dense_f64_7x7'), path);
    truncateSync(path, 2 ** 40);
    const { code, document } = await inspect(path);
    expect(code).toBe(0);
    expect(document.bytes).toBe(2 ** 40);
    expect(document.allocatedBytes).toBeLessThan(2 ** 20);
    expect(document.regions.at(-1)).toMatchObject({ kind: 'gap', name: 'unused, zero at both ends' });
  });
});
