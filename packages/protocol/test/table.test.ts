import { describe, expect, it } from 'vitest';
import { ProtocolError } from '../src/errors.js';
import { bytesIn, bytesOut, out, remote } from '../src/table/define.js';
import { callNumber, calls, checkTable, remoteCalls } from '../src/table/table.js';

const code = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return 'no error';
};

describe('the vocabulary', () => {
  it('demands a role for every pointer', () => {
    expect(code(() => remote('driver', 0, 'CUresult f(int *p)'))).toBe('ERR_VGPU_PROTOCOL_TABLE');
  });

  it('refuses a role for a parameter that does not exist', () => {
    expect(code(() => remote('driver', 0, 'CUresult f(int *p)', { roles: { q: out } }))).toBe(
      'ERR_VGPU_PROTOCOL_TABLE',
    );
  });
});

describe('names of parameters', () => {
  it("leaves `context` to the frame's context, which every method of the backend gets", () => {
    expect(code(() => remote('internal', 0, 'CUresult f(CUcontext context)'))).toBe(
      'ERR_VGPU_PROTOCOL_TABLE',
    );
  });
});

describe('checkTable', () => {
  const call = remote('driver', 0, 'CUresult f(int a)');

  it('accepts the real table', () => {
    expect(() => checkTable(calls)).not.toThrow();
  });

  it('refuses a name that stands twice', () => {
    expect(code(() => checkTable([call, call]))).toBe('ERR_VGPU_PROTOCOL_TABLE');
  });

  it('refuses a length that is no size_t parameter', () => {
    const roles = { p: bytesIn('n') };
    expect(code(() => checkTable([remote('driver', 0, 'CUresult f(const void *p, int n)', { roles })]))).toBe(
      'ERR_VGPU_PROTOCOL_TABLE',
    );
    expect(code(() => checkTable([remote('driver', 0, 'CUresult f(const void *p)', { roles })]))).toBe(
      'ERR_VGPU_PROTOCOL_TABLE',
    );
  });

  it('refuses results of a deferred call, and results beside a buffer', () => {
    const deferred = remote('driver', 0, 'CUresult f(int *p)', { roles: { p: out }, deferred: true });
    const two = remote('driver', 0, 'CUresult f(void *p, size_t n, int *q)', {
      roles: { p: bytesOut('n'), q: out },
    });
    expect(code(() => checkTable([deferred]))).toBe('ERR_VGPU_PROTOCOL_TABLE');
    expect(code(() => checkTable([two]))).toBe('ERR_VGPU_PROTOCOL_TABLE');
  });
});

describe('call numbers', () => {
  it('are dense and start at 1, since 0 is the sign of life', () => {
    expect(remoteCalls.map(callNumber)).toEqual(remoteCalls.map((_, index) => index + 1));
  });
});
