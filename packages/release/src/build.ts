// Builds the native parts for publishing: build/native-linux-x64 and so on beside each package's build/native.
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@vgpu/toolchain/system-packages';
import { type NativePart, nativeParts, type Platform } from './platforms.js';
import { type Architecture, sysroot } from './sysroot.js';
import { root } from './workspace.js';

export function buildAll(platforms: readonly Platform[]): void {
  for (const platform of platforms) {
    const parts = nativeParts.filter((part) => part.platforms.includes(platform));
    if (platform === 'win32-x64') parts.forEach(buildForWindows);
    else buildForLinux(parts, platform === 'linux-x64' ? 'x64' : 'arm64');
  }
}

function buildForLinux(parts: readonly NativePart[], architecture: Architecture): void {
  requireCommands([architecture === 'arm64' ? 'aarch64-linux-gnu-g++' : 'x86_64-linux-gnu-g++', 'ninja']);
  const definitions = [
    `-DCMAKE_TOOLCHAIN_FILE=${join(root, 'packages/toolchain/cmake/release-linux.cmake')}`,
    `-DVGPU_RELEASE_ARCH=${architecture}`,
    `-DVGPU_SYSROOT=${sysroot(architecture)}`,
  ];
  const variant = `native-linux-${architecture}`;
  const libraries = new Map(parts.flatMap(({ libraries = {} }) => Object.entries(libraries)));
  for (const [folder, target] of libraries) buildTargets(folder, variant, definitions, [target]);
  for (const { folder, files } of parts) buildTargets(folder, variant, definitions, Object.values(files));
}

/** As its tests are built. */
function buildForWindows({ folder }: NativePart): void {
  run('npx', ['-y', 'pnpm@12.21.0', '--filter', `@vgpu/${folder}`, 'run', 'build:windows'], root);
}

function buildTargets(
  folder: string,
  variant: string,
  definitions: readonly string[],
  targets: readonly string[],
): void {
  const cwd = join(root, 'packages', folder);
  const build = join('build', variant);
  process.stderr.write(`vgpu: ${folder}, ${variant}: ${targets.join(' ')}\n`);
  const options = ['-G', 'Ninja', '--log-level=WARNING', '-DCMAKE_BUILD_TYPE=RelWithDebInfo', ...definitions];
  // A cache keeps the flags of the first time, whatever the toolchain file says now.
  rmSync(join(cwd, build, 'CMakeCache.txt'), { force: true });
  run('cmake', ['-S', '.', '-B', build, ...options, ...nodeApi(cwd)], cwd);
  run('cmake', ['--build', build, '--target', ...targets], cwd);
}

/** What cmake-js would say, which knows this machine alone. */
function nodeApi(cwd: string): string[] {
  const headers = join(cwd, 'node_modules/node-api-headers');
  if (!existsSync(headers)) return [];
  const wrapper = realpathSync(join(cwd, 'node_modules/node-addon-api'));
  return [`-DCMAKE_JS_INC=${realpathSync(headers)}/include;${wrapper}`];
}

function run(command: string, args: readonly string[], cwd: string): void {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} in ${cwd} ended with ${status}`);
}
