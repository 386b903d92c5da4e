// @ts-check
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';

const run = promisify(execFile);

/**
 * The TypeScript examples of a document, each with what its comments (`// prints …`) promise.
 *
 * @param {string} path of a Markdown file
 * @returns {{ title: string, source: string, prints: string[] }[]} the title is the heading above the example
 */
export function documentExamples(path) {
  const examples = [];
  let title = '';
  for (const match of readFileSync(path, 'utf8').matchAll(/^#+ (.*)$|^```ts\n([\s\S]*?)^```$/gm)) {
    const [, heading, source] = match;
    if (heading !== undefined) title = heading;
    if (source === undefined) continue;
    const prints = [...source.matchAll(/\/\/ prints (.*)$/gm)].map(([, text = '']) => text);
    examples.push({ title, source, prints });
  }
  return examples;
}

/**
 * Runs an example as its reader would, in a process of its own: it imports packages by name, as they were built. The
 * process starts in `packageDirectory` and can import what that package can, itself included.
 *
 * @param {string} source
 * @param {string} packageDirectory
 * @returns {Promise<string[]>} the lines that it printed
 */
export async function runExample(source, packageDirectory) {
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  });
  const folder = join(packageDirectory, 'build/examples');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${crypto.randomUUID()}.mjs`);
  writeFileSync(file, outputText);
  try {
    const { stdout } = await run(process.execPath, [file], { cwd: packageDirectory });
    return stdout.split('\n').slice(0, -1);
  } finally {
    rmSync(file);
  }
}
