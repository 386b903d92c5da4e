// The TypeScript samples of the documents are right in their types. What they print, the tests of their packages look at.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../src/pages.js';

const folder = join(import.meta.dirname, '../build/samples');
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const markdownIn = (path: string) =>
  readdirSync(join(root, path))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(path, name));
const documents = ['.', 'docs', ...readdirSync(join(root, 'packages')).map((name) => join('packages', name))];

interface Sample {
  /** Document and line. */
  readonly name: string;
  readonly source: string;
  /** Marked as no program, by `ts fragment`. */
  readonly fragment: boolean;
}

const samples = documents.flatMap(markdownIn).flatMap(samplesOf);

function samplesOf(path: string): Sample[] {
  const text = readFileSync(join(root, path), 'utf8');
  return [...text.matchAll(/^```(?:ts|typescript)( fragment)?\n([\s\S]*?)^```$/gm)].map((match) => ({
    name: `${path.replaceAll('/', '-')}-${text.slice(0, match.index).split('\n').length}`,
    source: match[2] ?? '',
    fragment: match[1] !== undefined,
  }));
}

function complaintsOf(programs: readonly Sample[]): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const { name, source } of programs) writeFileSync(join(folder, `${name}.ts`), source);
  const settings = {
    extends: '../../../../tsconfig.base.json',
    // Samples name things that they only show.
    compilerOptions: { noUnusedLocals: false, types: ['node'] },
    include: ['*.ts'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  try {
    return execFileSync(process.execPath, [tsc, '--pretty', 'false', '-p', folder], { encoding: 'utf8' });
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout);
  }
}

it('every sample has the types that it says, and a wrong one is noticed', { timeout: 300_000 }, () => {
  const programs = samples.filter(({ fragment }) => !fragment);
  expect(programs.length).toBeGreaterThan(25);
  for (const { name } of samples.filter(({ fragment }) => fragment))
    console.log(`${name}: a fragment, not compiled`);

  const source = "import { createSession } from '@vgpu/cuda-native';\nawait createSession({ device: 7 });\n";
  const complaints = complaintsOf([...programs, { name: 'wrong', source, fragment: false }])
    .split('\n')
    .filter((line) => /^\S/.test(line));
  expect(complaints).toEqual([expect.stringMatching(/wrong\.ts\(2,\d+\): error TS2322/)]);
});
