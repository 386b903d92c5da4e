// Installs the packed archives into an empty folder, as a user would, and uses them with several versions of Node.
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { output, outputMeanwhile, usersEnvironment } from './commands.js';
import { expectPlatform, type ForeignMachine, foreignMachinesOf, npmOptions } from './foreign.js';
import { nodeFolder } from './node-versions.js';
import type { Packed } from './pack.js';
import { thisPlatform } from './platforms.js';
import { startRegistry } from './registry.js';
import { readManifest, root } from './workspace.js';

export type Manager = 'npm' | 'pnpm';

export interface CheckOptions {
  readonly managers: readonly Manager[];
  /** Major versions; empty: the one that runs this. */
  readonly nodes: readonly string[];
}

/** Throws at the first thing that does not work. `report` hears what did, and how long it took. */
export async function check(
  packages: readonly Packed[],
  { managers, nodes }: CheckOptions,
  report: (line: string) => void,
): Promise<void> {
  await using registry = await startRegistry(packages);
  for (const manager of managers) {
    await inNewFolder(manager, async (folder) => {
      await timed(`${manager}: install`, report, () => install(folder, manager, registry.url, packages));
      await timed(`${manager}: demo`, report, () => demo(folder, manager));
      for (const node of nodes.length > 0 ? nodes : [undefined]) {
        await timed(`${manager}: Node ${node ?? process.versions.node}`, report, () => use(folder, node));
      }
    });
  }
  const names = packages.map(({ manifest }) => manifest.name);
  for (const machine of foreignMachinesOf(names, thisPlatform())) {
    await timed(`${machine.platform}, emulated`, report, () => useElsewhere(machine, registry.url, packages));
  }
}

async function inNewFolder(name: string, action: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), `vgpu-${name}-`));
  try {
    await action(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function useElsewhere(
  machine: ForeignMachine,
  registry: string,
  packages: readonly Packed[],
): Promise<void> {
  await inNewFolder(machine.platform, async (folder) => {
    await install(folder, 'npm', registry, packages, npmOptions(machine.platform));
    expectPlatform(folder, machine.platform);
    await machine.use(folder);
  });
}

/** Only what a user would name: platform packages come by themselves. */
async function install(
  folder: string,
  manager: Manager,
  registry: string,
  packages: readonly Packed[],
  options: readonly string[] = [],
): Promise<void> {
  writeFileSync(join(folder, 'package.json'), '{ "name": "try", "private": true }\n');
  writeFileSync(join(folder, '.npmrc'), `@vgpu:registry=${registry}/\n`);
  cpSync(join(root, 'packages/release/smoke'), folder, { recursive: true });
  const names = packages.filter(({ manifest }) => !manifest.cpu).map(({ manifest }) => manifest.name);
  await add(folder, manager, [...options, ...names]);
}

async function add(folder: string, manager: Manager, wanted: readonly string[]): Promise<void> {
  const command =
    manager === 'npm' ? ['npm', 'install', '--no-audit', '--no-fund'] : ['npx', '-y', 'pnpm@12.21.0', 'add'];
  await outputMeanwhile([...command, ...wanted], folder);
}

/** Says what it lacks, and works with it. */
async function demo(folder: string, manager: Manager): Promise<void> {
  const command = ['npx', '--no-install', 'vgpu', 'demo', '--gpu', 'software', '--program', 'ptx', '--json'];
  const refusal = await outputMeanwhile(command, folder).catch((error: Error & { stdout?: string }) => error);
  if (typeof refusal === 'string') throw new Error(`the demo works without its data: ${refusal}`);
  expect(refusal.stdout ?? refusal.message, '"ERR_VGPU_DEMO_NO_DATA"');
  const { devDependencies = {} } = readManifest(join(root, 'packages/cli'));
  await add(folder, manager, [`vega-datasets@${devDependencies['vega-datasets']}`]);
  expect(await outputMeanwhile(command, folder), '"matches":true');
}

async function use(folder: string, node: string | undefined): Promise<void> {
  const path = node === undefined ? process.env.PATH : `${nodeFolder(node)}${delimiter}${process.env.PATH}`;
  const env = { ...usersEnvironment(), PATH: path, CI: 'true' };
  const run = (...command: string[]) => output(command[0] ?? '', command.slice(1), { cwd: folder, env });
  if (node !== undefined) expect(run('node', '--version'), `v${node}.`);
  expect(run('node', 'use.mjs'), 'works');
  expect(run('node', 'use.cjs'), 'works');
  expect(run('npx', '--no-install', 'vgpu', '--version'), '0.');
  const program = run('node', '-p', 'require("@vgpu/preload-shim").selfTestProgram()').trim();
  run('npx', '--no-install', 'vgpu', 'run', '--gpu', 'software', '--', program);
  run(
    'npx',
    '--no-install',
    'vgpu',
    'file',
    'create',
    '--rows',
    '2',
    '--columns',
    '2',
    '--force',
    'a.pycauset',
  );
  expect(run('npx', '--no-install', 'vgpu', 'file', 'inspect', '--json', 'a.pycauset'), '"ok":true');
}

function expect(text: string, part: string): void {
  if (!text.includes(part)) throw new Error(`expected ${part} in: ${text}`);
}

async function timed(
  what: string,
  report: (line: string) => void,
  action: () => Promise<void>,
): Promise<void> {
  const start = performance.now();
  try {
    await action();
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : error}`, { cause: error });
  }
  report(`${what}: ok, ${((performance.now() - start) / 1000).toFixed(1)} s`);
}
