import { readFileSync } from 'node:fs';
import { defineConfig } from 'tsup';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

export default defineConfig({
  entry: { vgpu: 'src/vgpu.ts' },
  format: 'esm',
  target: 'node20',
  clean: true,
  // One file for the common path and one per lazily imported part: what `vgpu run` does not need is not read.
  splitting: true,
  noExternal: ['commander'],
  external: [/^@vgpu\//],
  define: { VGPU_VERSION: JSON.stringify(version) },
  // commander is CommonJS and requires Node's own modules.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
});
