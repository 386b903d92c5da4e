// @ts-check
// What a package becomes when a web page takes it, for tests that it needs nothing of Node.
import { builtinModules } from 'node:module';
import { build } from 'esbuild';

/**
 * Bundles a package as a script that sets one global variable. Rejects when something imported is not there for
 * browsers; `nodeImports` are the modules of Node that only a shim could provide.
 *
 * @param {string} entry the package's main source file
 * @param {string} globalName the variable that the script sets
 */
export async function browserBundle(entry, globalName) {
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'browser',
    format: 'iife',
    globalName,
    outdir: 'out',
    logLevel: 'silent',
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports.map(({ path }) => path));
  const nodeImports = imports.filter((path) => path.startsWith('node:') || builtinModules.includes(path));
  return { code: outputFiles[0]?.text ?? '', nodeImports };
}
