// The generated C, seen from outside: it compiles alone, and what it says follows from the table.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { schemaHashHex } from '../generated/schema_hash.js';
import { executorDispatch } from '../src/generate/executor.js';
import { guestDirectory, guestExports, guestRefused } from '../src/generate/guest-api.js';
import { guestCalls } from '../src/generate/guest-calls.js';
import { schemaHash } from '../src/schema-hash.js';
import { calls, remoteCalls } from '../src/table/table.js';

const generated = join(import.meta.dirname, '..', 'generated');

describe('generated headers', () => {
  it.each([
    ['cc', 'c', '-std=c11', 'guest_api.h'],
    ['cc', 'c', '-std=c11', 'vgpu_protocol.h'],
    ['c++', 'c++', '-std=c++20', 'executor_backend.h'],
    ['c++', 'c++', '-std=c++20', 'vgpu_protocol.h'],
  ])('%s accepts %s %s %s without a warning', (compiler, language, standard, header) => {
    const flags = ['-x', language, standard, '-Wall', '-Wextra', '-Werror', '-pedantic', '-fsyntax-only'];
    execFileSync(compiler, [...flags, '-I', generated, '-include', header, '/dev/null']);
  });
});

describe('the hash for the handshake', () => {
  it('is the hash of the table', () => {
    expect(schemaHashHex).toBe(Buffer.from(schemaHash()).toString('hex'));
  });
});

describe('every call of the table', () => {
  it('has a guest function and a dispatch case when it is remote', () => {
    const guest = guestCalls();
    const dispatch = executorDispatch();
    for (const { prototype } of remoteCalls) {
      expect(guest).toContain(` ${prototype.name}(`);
      expect(dispatch).toContain(`case VGPU_CALL_${prototype.name}: {`);
    }
  });

  it('is found by cuGetProcAddress only when it works', () => {
    const directory = guestDirectory();
    for (const { api, kind, prototype } of calls) {
      const listed = new RegExp(`\\(void \\(\\*\\)\\(void\\)\\)${prototype.name}[,}]`).test(directory);
      expect(listed, prototype.name).toBe(api === 'driver' && kind !== 'refused');
    }
  });

  it('answers "not supported" when it is refused', () => {
    const text = guestRefused();
    expect(text).toContain('int cuTexRefCreate(void) { return vgpu_refuse("cuTexRefCreate"); }');
    expect(text).not.toContain('cuMemAlloc_v2');
  });

  it('is exported with the version node of its library when it belongs to the runtime or to cuBLAS', () => {
    const map = guestExports();
    for (const { api, prototype } of calls) {
      expect(new RegExp(`\\b${prototype.name};`).test(map), prototype.name).toBe(
        api === 'runtime' || api === 'cublas',
      );
    }
  });
});
