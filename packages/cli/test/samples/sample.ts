// NVIDIA's samples as they lie on disk: which there are, and what their CMakeLists.txt says about building them.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';

/** The folders whose samples need nothing but CUDA itself. */
export const GROUPS = [
  '0_Introduction',
  '1_Utilities',
  '2_Concepts_and_Techniques',
  '3_CUDA_Features',
] as const;

/** A module that the sample loads while it runs. */
export interface Module {
  readonly source: string;
  readonly output: string;
  readonly flag: '-fatbin' | '-ptx';
}

export interface Sample {
  readonly group: string;
  readonly name: string;
  readonly folder: string;
  readonly sources: readonly string[];
  readonly modules: readonly Module[];
  /** Names after `target_link_libraries`, such as "CUDA::cublas". */
  readonly libraries: readonly string[];
  readonly args: readonly string[];
}

const testArguments = z.record(
  z.string(),
  z.object({
    skip: z.boolean().optional(),
    args: z.array(z.string()).optional(),
    runs: z.array(z.object({ args: z.array(z.string()) })).optional(),
  }),
);

function argumentsOf(samples: string): ReadonlyMap<string, readonly string[]> {
  const path = join(samples, 'test_args.json');
  if (!existsSync(path)) return new Map();
  const entries = Object.entries(testArguments.parse(JSON.parse(readFileSync(path, 'utf8'))));
  return new Map(entries.map(([name, { args, runs }]) => [name, args ?? runs?.[0]?.args ?? []]));
}

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

/** The words in the parentheses of the first such command, without its first word, the target. */
function commandWords(cmake: string, command: string): string[] {
  const found = new RegExp(`${command}\\s*\\(([^)]*)\\)`).exec(cmake)?.[1] ?? '';
  return words(found).slice(1);
}

function sourcesOf(cmake: string): string[] {
  return commandWords(cmake, 'add_executable')
    .map((word) => word.replace(/^\$\{CMAKE_CURRENT_SOURCE_DIR\}\//, ''))
    .filter((word) => /\.(cu|cpp|c|cc)$/.test(word));
}

function modulesOf(cmake: string, folder: string): Module[] {
  const outputs = [
    ...cmake.matchAll(/set\(\w+\s+"\$\{CMAKE_CURRENT_BINARY_DIR\}\/([\w.]+\.(fatbin|ptx))"\)/g),
  ];
  const source = /set\(CUDA_KERNEL_SOURCE\s+"\$\{CMAKE_CURRENT_SOURCE_DIR\}\/([\w.]+\.cu)"\)/.exec(
    cmake,
  )?.[1];
  return outputs.flatMap(([, output, kind]) =>
    source === undefined || output === undefined || !existsSync(join(folder, source))
      ? []
      : [{ source, output, flag: kind === 'ptx' ? ('-ptx' as const) : ('-fatbin' as const) }],
  );
}

function read(group: string, folder: string, args: ReadonlyMap<string, readonly string[]>): Sample[] {
  const file = join(folder, 'CMakeLists.txt');
  if (!existsSync(file)) return [];
  const cmake = readFileSync(file, 'utf8').replace(/#.*$/gm, '');
  const name = basename(folder);
  const libraries = [...cmake.matchAll(/target_link_libraries\s*\(([^)]*)\)/g)]
    .flatMap(([, text]) => words(text ?? '').slice(1))
    .filter((word) => !/^(PUBLIC|PRIVATE|INTERFACE)$/.test(word));
  return [
    {
      group,
      name,
      folder,
      sources: sourcesOf(cmake),
      modules: modulesOf(cmake, folder),
      libraries,
      args: args.get(name) ?? [],
    },
  ];
}

/** In the order of their groups and names. */
export function findSamples(samples: string): readonly Sample[] {
  const args = argumentsOf(samples);
  return GROUPS.flatMap((group) => {
    const folder = join(samples, 'Samples', group);
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort()
      .flatMap((name) => read(group, join(folder, name), args));
  });
}
