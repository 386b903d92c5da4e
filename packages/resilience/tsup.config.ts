import { defineConfig } from 'tsup';

export default defineConfig({
  // Only the second may import what is Node's: test/browser.test.ts looks after the first.
  entry: { index: 'src/index.ts', node: 'src/node/index.ts' },
  format: ['esm', 'cjs'],
  target: 'es2022',
  dts: true,
  clean: true,
});
