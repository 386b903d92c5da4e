import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { browserBundle } from '@vgpu/toolchain/browser-bundle';
import { expect, test } from 'vitest';

const packageDirectory = join(dirname(fileURLToPath(import.meta.url)), '..');

test('the package bundles for a browser and works where there is nothing of Node', async () => {
  const { code, nodeImports } = await browserBundle(join(packageDirectory, 'src/index.ts'), 'vgpuResilience');
  expect(nodeImports).toEqual([]);

  const { AbortController, setTimeout, clearTimeout } = globalThis;
  const result: unknown = await runInNewContext(
    `${code}; (() => {
      const session = new vgpuResilience.FallbackSession({ log: () => {} });
      const gpu = () => { throw new vgpuResilience.GpuError(vgpuResilience.driverFault(700)); };
      return vgpuResilience.withFallback(session, { name: 'x', gpu, cpu: () => 7, inputsUntouched: true });
    })()`,
    { AbortController, setTimeout, clearTimeout },
  );
  expect(result).toMatchObject({ value: 7, device: 'cpu', attempts: 1 });
});
