import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  conditionFault,
  cudaFaults,
  driverFault,
  GpuError,
  faultActions,
  faultDuringProbe,
  faultOf,
  ResilienceArgumentError,
  runtimeFault,
  xidFault,
  xidFaults,
} from '../src/index.js';

// Written out once more, from the design: the table must not change by accident.
const expected: Record<string, readonly number[]> = {
  caller: [1, 101, 400],
  'out-of-memory': [2],
  absent: [34, 100, 803, 804],
  transient: [46, 304],
  'context-dead': [214, 226, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721, 810, 911, 999],
};

test.each(Object.entries(expected))('codes of the driver that are %s', (kind, codes) => {
  const inTable = cudaFaults
    .filter((row) => row.kind === kind && row.driver !== null)
    .map(({ code }) => code);
  expect(inTable).toEqual(codes);
  for (const code of codes) expect(driverFault(code).kind).toBe(kind);
});

test('the runtime has the same codes, and one of its own', () => {
  expect(runtimeFault(700)).toEqual({
    kind: 'context-dead',
    source: 'runtime',
    code: 700,
    name: 'cudaErrorIllegalAddress',
  });
  expect(runtimeFault(35).kind).toBe('absent');
  expect(driverFault(35).kind).toBe('unclassified');
});

test('each code is in a table once', () => {
  for (const codes of [cudaFaults.map(({ code }) => code), xidFaults.map(({ code }) => code)]) {
    expect(new Set(codes).size).toBe(codes.length);
  }
});

test('any positive code has an answer, and nothing else has', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), (code) => {
      for (const fault of [driverFault(code), runtimeFault(code), xidFault(code)]) {
        expect(fault.code).toBe(code);
        expect(faultActions[fault.kind]).toBeDefined();
      }
    }),
  );
  for (const code of [0, -1, 1.5, Number.NaN]) {
    for (const classify of [driverFault, runtimeFault, xidFault]) {
      expect(() => classify(code)).toThrow(ResilienceArgumentError);
    }
  }
});

test('an Xid says what it is', () => {
  expect(xidFault(79)).toEqual({
    kind: 'gone',
    source: 'xid',
    code: 79,
    name: 'Xid 79: GPU has fallen off the bus',
  });
  expect(xidFault(12345).kind).toBe('unclassified');
});

test('an unknown error in a probe means that the GPU is gone; other faults stay what they are', () => {
  expect(faultDuringProbe(driverFault(999)).kind).toBe('gone');
  expect(faultDuringProbe(runtimeFault(999)).kind).toBe('gone');
  expect(faultDuringProbe(driverFault(700)).kind).toBe('context-dead');
  expect(faultDuringProbe(xidFault(999)).kind).toBe('unclassified');
});

test('only an error of a GPU has a fault', () => {
  const fault = conditionFault('executor-dead');
  const error = new GpuError(fault, 'sortPairs', { cause: 'x' });
  expect(faultOf(error)).toEqual(fault);
  expect(error.message).toBe('the GPU failed in sortPairs: executor is dead (executor-dead)');
  expect(error.cause).toBe('x');
  for (const other of [new RangeError('x'), 'x', undefined, { fault }])
    expect(faultOf(other)).toBeUndefined();
  const foreign = Object.assign(new Error('x'), { [Symbol.for('@vgpu/resilience/GpuError')]: true, fault });
  expect(faultOf(foreign)).toEqual(fault);
});

test('only mistakes of the caller are thrown, and they never count', () => {
  const throwing = Object.entries(faultActions).filter(([, action]) => action.throws);
  expect(throwing.map(([kind]) => kind)).toEqual(['caller']);
  expect(faultActions.caller.breaker).toBe('ignore');
});
