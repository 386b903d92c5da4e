import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

const packageDirectory = join(dirname(fileURLToPath(import.meta.url)), '..');

async function bundle(entry: string): Promise<{ code: string; imports: string[] }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'vgpuResilience',
    outdir: 'out',
    logLevel: 'silent',
  });
  const imports = Object.values(metafile.inputs).flatMap(({ imports: list }) => list.map(({ path }) => path));
  return { code: outputFiles[0]?.text ?? '', imports };
}

test('the package bundles for a browser and works where there is nothing of Node', async () => {
  const { code, imports } = await bundle(join(packageDirectory, 'src/index.ts'));
  expect(imports.filter((path) => path.startsWith('node:') || builtinModules.includes(path))).toEqual([]);

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

test('the check above notices an import of Node', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vgpu-resilience-'));
  try {
    const entry = join(directory, 'entry.ts');
    writeFileSync(entry, "import { readFileSync } from 'node:fs'; readFileSync('x');");
    await expect(bundle(entry)).rejects.toThrow(/node:fs/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
