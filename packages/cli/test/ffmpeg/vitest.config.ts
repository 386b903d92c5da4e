import { defineConfig } from 'vitest/config';

/** The tests that need FFmpeg, which is installed on demand: `pnpm test:ffmpeg`, not `pnpm test`. */
export default defineConfig({
  test: { include: ['test/ffmpeg/*.spec.ts'], pool: 'forks', reporters: ['default'] },
});
