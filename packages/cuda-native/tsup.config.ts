import { defineConfig } from 'tsup';

export default defineConfig([
  {
    entry: { index: 'src/index.ts', stored: 'src/stored/index.ts' },
    format: ['esm', 'cjs'],
    target: 'node20',
    // import.meta.url in the CommonJS build: the addon is found from it.
    shims: true,
    dts: true,
    clean: true,
  },
  // A program of its own, whoever starts it.
  { entry: ['src/gpu-probe.ts'], format: ['esm'], target: 'node20' },
]);
