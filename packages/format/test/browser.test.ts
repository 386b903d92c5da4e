import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runInNewContext } from 'node:vm';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { goldenBytes } from './golden.js';

const packageDirectory = join(dirname(fileURLToPath(import.meta.url)), '..');

async function bundle(entry: string): Promise<{ code: string; imports: string[] }> {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'iife',
    globalName: 'vgpuFormat',
    outdir: 'out',
    logLevel: 'silent',
  });
  const imports = Object.values(metafile.inputs).flatMap(({ imports: list }) => list.map(({ path }) => path));
  return { code: outputFiles[0]?.text ?? '', imports };
}

test('the package bundles for a browser and reads a file where there is nothing of Node', async () => {
  const { code, imports } = await bundle(join(packageDirectory, 'src/index.ts'));
  expect(imports.filter((path) => path.startsWith('node:') || builtinModules.includes(path))).toEqual([]);

  // What every browser has, and neither process nor Buffer nor require.
  const { TextDecoder, TextEncoder } = globalThis;
  const page: Record<string, unknown> = { TextDecoder, TextEncoder, bytes: goldenBytes('dense_f64_7x7') };
  const value = runInNewContext(
    `${code}; vgpuFormat.valuesOf(vgpuFormat.readContainer(new Uint8Array(bytes))).get(6, 6)`,
    page,
  );
  expect(value).toBeTypeOf('number');
});

test('the check above notices an import of Node', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vgpu-format-'));
  try {
    const entry = join(directory, 'entry.ts');
    writeFileSync(entry, "import { readFileSync } from 'node:fs'; readFileSync('x');");
    await expect(bundle(entry)).rejects.toThrow(/node:fs/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
