import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const packageDirectory = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Bytes per call, in a process whose young generation is so large that nothing is collected meanwhile. */
function bytesPerCall(call: string): number {
  const source = `
    import { CircuitBreaker, driverFault } from ${JSON.stringify(join(packageDirectory, 'dist/index.js'))};
    const closed = new CircuitBreaker();
    const open = new CircuitBreaker({ isolation: 'process' });
    open.failed(driverFault(700));
    const forGood = new CircuitBreaker();
    forGood.failed(driverFault(700));
    let other = 0;
    const run = (count) => { for (let index = 0; index < count; index++) if (${call}) other++; };
    run(200_000);
    gc();
    const before = process.memoryUsage().heapUsed;
    run(1_000_000);
    console.log((process.memoryUsage().heapUsed - before) / 1_000_000);
  `;
  const flags = [
    '--expose-gc',
    '--max-semi-space-size=128',
    '--min-semi-space-size=128',
    '--input-type=module',
  ];
  return Number(execFileSync(process.execPath, [...flags, '-e', source], { encoding: 'utf8' }));
}

test.each(["closed.admit() !== 'gpu'", "forGood.admit() !== 'cpu'", "open.admit() !== 'cpu'"])(
  'nothing is allocated: %s',
  (call) => {
    expect(bytesPerCall(call)).toBeLessThan(1);
  },
);

test('the measurement above notices an object', () => {
  expect(bytesPerCall('(globalThis.kept = { index }) === null')).toBeGreaterThan(8);
});
