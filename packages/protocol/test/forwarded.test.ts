// Runtime functions that are made of the table alone.
import { describe, expect, it } from 'vitest';
import { guestForwarded } from '../src/generate/guest-forwarded.js';

const text = guestForwarded();

const definition = (name: string): string => {
  const start = text.indexOf(` ${name}(`);
  return text.slice(start, text.indexOf('\n}\n', start));
};

describe('forwarded calls', () => {
  it('pass handles and numbers as they are', () => {
    expect(definition('cudaEventElapsedTime')).toContain('cuEventElapsedTime(ms, start, end);');
    expect(definition('cudaDeviceGetByPCIBusId')).toContain('cuDeviceGetByPCIBusId(device, pciBusId);');
  });

  it('cast what has another name in the driver API, and check that its layout is the same', () => {
    expect(definition('cudaMemPoolCreate')).toContain('(memPool, (const CUmemPoolProps *)poolProps);');
    expect(text).toContain('_Static_assert(sizeof(struct cudaMemPoolProps) == sizeof(CUmemPoolProps)');
  });

  it('make a context current only where one is needed', () => {
    expect(definition('cudaStreamCreate')).toContain('vgpu_runtime_enter()');
    expect(definition('cudaDeviceGetAttribute')).toContain('vgpu_runtime_initialise()');
  });

  it('append the constant that the runtime leaves out', () => {
    expect(definition('cudaStreamCreate')).toContain('cuStreamCreate(pStream, CU_STREAM_DEFAULT);');
  });
});
