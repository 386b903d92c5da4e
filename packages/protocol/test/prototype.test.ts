import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../src/errors.js';
import { parsePrototype, pointee } from '../src/prototype.js';

describe('parsePrototype', () => {
  it('separates types from names', () => {
    expect(parsePrototype('CUresult cuMemAlloc_v2(CUdeviceptr *dptr, size_t bytesize)')).toEqual({
      returns: 'CUresult',
      name: 'cuMemAlloc_v2',
      parameters: [
        { type: 'CUdeviceptr *', name: 'dptr' },
        { type: 'size_t', name: 'bytesize' },
      ],
    });
  });

  it('keeps qualifiers, several stars and words of a type', () => {
    const { parameters } = parsePrototype(
      'int f(const void **a, unsigned long long b, struct CUstream_st *c)',
    );
    expect(parameters.map(({ type }) => type)).toEqual([
      'const void **',
      'unsigned long long',
      'struct CUstream_st *',
    ]);
  });

  it('reads an empty list in both spellings', () => {
    expect(parsePrototype('int f(void)').parameters).toEqual([]);
    expect(parsePrototype('int f()').parameters).toEqual([]);
  });

  it.each(['', 'int f', 'f(int a)', 'int f(int)', 'int f(int a', 'int f(int (*callback)(int))'])(
    'refuses "%s"',
    (text) => {
      expect(() => parsePrototype(text)).toThrow(ProtocolError);
    },
  );
});

describe('pointee', () => {
  it('takes one star away', () => {
    expect(pointee('CUdeviceptr *')).toBe('CUdeviceptr');
    expect(pointee('const char **')).toBe('const char *');
    expect(pointee('size_t')).toBeUndefined();
  });
});
