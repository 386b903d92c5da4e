// The short form; `pnpm --filter @vgpu/array kill-storm -- --kills 1000` is the long one.
import { expect, it } from 'vitest';
import { describeOnLinux } from '../linux.js';
import { killStorm } from './storm.js';

describeOnLinux('a killed writer', () => {
  it('loses nothing and leaves nothing behind', async () => {
    const report = await killStorm({ kills: 27, seed: 4 });
    expect(report.kills).toBe(27);
    expect(report.acknowledged + report.next + report.interrupted).toBe(27);
    // Otherwise the storm did not hit anything.
    expect(report.duringUpdate).toBeGreaterThan(5);
    expect(report.commits).toBeGreaterThan(20);
    expect(report.staleFiles).toBeGreaterThan(20);
  }, 120_000);
});
