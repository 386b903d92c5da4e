import { describe, expect, it } from 'vitest';
import { RestartPolicy } from '../src/restart.js';

describe('RestartPolicy', () => {
  it('doubles the delay up to its maximum', () => {
    const policy = new RestartPolicy({ maximum: 6, initialDelayMs: 100, maximumDelayMs: 1000 });
    const delays = Array.from({ length: 6 }, (_, death) => policy.delayAfterDeath(death));
    expect(delays).toEqual([100, 200, 400, 800, 1000, 1000]);
  });

  it('gives up when there were too many deaths in the window', () => {
    const policy = new RestartPolicy({ maximum: 2, windowMs: 1000 });
    expect(policy.delayAfterDeath(0)).toBeDefined();
    expect(policy.delayAfterDeath(500)).toBeDefined();
    expect(policy.delayAfterDeath(999)).toBeUndefined();
  });

  it('forgets what lies before the window', () => {
    const policy = new RestartPolicy({ maximum: 1, windowMs: 1000, initialDelayMs: 100 });
    expect(policy.delayAfterDeath(0)).toBe(100);
    expect(policy.delayAfterDeath(1000)).toBe(100);
    expect(policy.delayAfterDeath(1001)).toBeUndefined();
  });
});
