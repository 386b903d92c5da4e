import { defineConfig } from 'vitest/config';

/** The tests that need llama.cpp, which is fetched: `pnpm test:llama`, not `pnpm test`. */
export default defineConfig({
  test: { include: ['test/llama/*.spec.ts'], pool: 'forks', reporters: ['default'] },
});
