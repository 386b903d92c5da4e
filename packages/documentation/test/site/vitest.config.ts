import { defineConfig } from 'vitest/config';

/** The tests of the whole site, which takes long to build: `pnpm docs:test`, not `pnpm test`. */
export default defineConfig({
  test: { include: ['test/site/*.spec.ts'], pool: 'forks', reporters: ['default'] },
});
