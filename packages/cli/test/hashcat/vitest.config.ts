import { defineConfig } from 'vitest/config';

/** The tests that need hashcat, which is installed on demand, and NVRTC: `pnpm test:hashcat`, not `pnpm test`. */
export default defineConfig({
  test: { include: ['test/hashcat/*.spec.ts'], pool: 'forks', reporters: ['default'] },
});
