import { defineConfig } from 'tsup';

export default defineConfig({
  entry: ['src/index.ts', 'src/handshake.ts'],
  format: ['esm', 'cjs'],
  target: 'node20',
  dts: true,
  clean: true,
});
