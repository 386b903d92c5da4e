// @ts-check
import { defineConfig } from 'vitest/config';

/**
 * The test settings of every package: `export { default } from '@vgpu/toolchain/vitest'`. Native code may crash
 * a worker, so each file gets a process of its own; the JSON report is what CI adds up.
 */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'src/**/*.test.ts', 'test/**/*.test.mjs'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default', ['json', { outputFile: 'build/test-results/vitest.json' }]],
  },
});
