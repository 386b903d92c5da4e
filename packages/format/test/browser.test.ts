import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { browserBundle } from '@vgpu/toolchain/browser-bundle';
import { expect, test } from 'vitest';
import { goldenBytes } from './golden.js';

const packageDirectory = join(dirname(fileURLToPath(import.meta.url)), '..');

test('the package bundles for a browser and reads a file where there is nothing of Node', async () => {
  const { code, nodeImports } = await browserBundle(join(packageDirectory, 'src/index.ts'), 'vgpuFormat');
  expect(nodeImports).toEqual([]);

  // What every browser has, and neither process nor Buffer nor require.
  const { TextDecoder, TextEncoder } = globalThis;
  const page: Record<string, unknown> = { TextDecoder, TextEncoder, bytes: goldenBytes('dense_f64_7x7') };
  const value = runInNewContext(
    `${code}; vgpuFormat.valuesOf(vgpuFormat.readContainer(new Uint8Array(bytes))).get(6, 6)`,
    page,
  );
  expect(value).toBeTypeOf('number');
});
