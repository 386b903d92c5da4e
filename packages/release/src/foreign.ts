// Machines of other kinds, on this one: arm64 through qemu's user mode, Windows through Wine. What is packed for them is
// installed as their npm would choose it, and used.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { requireCommands } from '@vgpu/toolchain/system-packages';
import { startWindows, stopWine } from '@vgpu/toolchain/windows';
import { output, usersEnvironment } from './commands.js';
import { nodeFolder } from './node-versions.js';
import { type Platform, platforms } from './platforms.js';

export interface ForeignMachine {
  readonly platform: Platform;
  /** Uses the packages that are installed in the folder, and the scripts of `smoke` there. Throws at what does not work. */
  use(folder: string): Promise<void> | void;
}

const foreignMachines: readonly ForeignMachine[] = [
  { platform: 'linux-arm64', use: useOnArm },
  { platform: 'win32-x64', use: useOnWindows },
];

/** Those that packages exist for, and that this machine is not. */
export function foreignMachinesOf(packed: readonly string[], here: Platform): ForeignMachine[] {
  return foreignMachines.filter(
    ({ platform }) => platform !== here && packed.some((name) => name.endsWith(`-${platform}`)),
  );
}

/** With them npm chooses packages as on that machine. */
export function npmOptions(platform: Platform): string[] {
  const { os, cpu, libc } = platforms[platform];
  return [`--os=${os}`, `--cpu=${cpu}`, ...(libc ? [`--libc=${libc}`] : [])];
}

/** @throws Error where packages of another platform were installed, or none */
export function expectPlatform(folder: string, platform: Platform): void {
  const names = readdirSync(join(folder, 'node_modules/@vgpu')).filter((name) =>
    /-(linux|win32)-/.test(name),
  );
  const others = names.filter((name) => !name.endsWith(`-${platform}`));
  if (names.length === 0 || others.length > 0)
    throw new Error(`installed for ${platform}: ${names.join(', ') || 'no platform package'}`);
}

const LIBRARIES = '/usr/aarch64-linux-gnu';

/** The command that runs a program for arm64 with the C library of the cross compiler. */
function emulated(program: string, environment: Readonly<Record<string, string>> = {}): string[] {
  const all = { LD_LIBRARY_PATH: `${LIBRARIES}/lib`, ...environment };
  const options = Object.entries(all).flatMap(([name, value]) => ['-E', `${name}=${value}`]);
  return ['qemu-aarch64-static', '-L', LIBRARIES, ...options, program];
}

async function useOnArm(folder: string): Promise<void> {
  requireCommands(['qemu-aarch64-static', 'aarch64-linux-gnu-g++']);
  const node = emulated(join(nodeFolder('20', 'linux-arm64'), 'node'));
  // What Node starts is not emulated by itself.
  const executor = join(folder, 'emulated-executor');
  const program = join(folder, 'node_modules/@vgpu/executor-linux-arm64/bin/vgpu-executor');
  writeFileSync(executor, `#!/bin/sh\nexec ${emulated(program).join(' ')} "$@"\n`, { mode: 0o755 });
  const env = { ...usersEnvironment(), VGPU_EXECUTOR_BINARY: executor };
  const run = ([command = '', ...args]: readonly string[]) => output(command, args, { cwd: folder, env });

  for (const script of ['use.mjs', 'use.cjs']) expectWorks(run([...node, script]));
  const guest = JSON.parse(run([...node, '-p', GUEST])) as Guest;
  const socket = join(folder, 'executor.sock');
  const url = `unix:${socket}`;
  const daemon = spawn(executor, ['--listen', url, '--backend', 'software'], { stdio: 'ignore' });
  try {
    await listening(socket, daemon);
    run(
      emulated(guest.selfTest, {
        LD_PRELOAD: guest.library,
        LD_LIBRARY_PATH: `${guest.directory}:${LIBRARIES}/lib`,
        VGPU_EXECUTOR: url,
        VGPU_CONNECT_TIMEOUT_MS: '60000',
      }),
    );
  } finally {
    daemon.kill();
  }
}

/** `selfTest`: a program whose kernel stores a number, which it reads back. */
type Guest = Readonly<Record<'library' | 'directory' | 'selfTest', string>>;

const GUEST = `
  const guest = require('@vgpu/preload-shim');
  JSON.stringify({ ...guest.guestLibrary(), selfTest: guest.selfTestProgram() })
`;

async function listening(socket: string, daemon: ChildProcess): Promise<void> {
  const end = Date.now() + 60_000;
  while (!existsSync(socket)) {
    if (daemon.exitCode !== null) throw new Error(`the executor ended with ${daemon.exitCode}`);
    if (Date.now() > end) throw new Error('the executor does not listen after 60 s');
    await setTimeout(50);
  }
}

/** Of the packages those for arrays on disk exist for Windows. */
function useOnWindows(folder: string): void {
  const node = startWindows();
  try {
    // Into a file: Wine's Node can use neither the sockets that ours gives to its children, nor always pipes.
    const command = 'wine "$1" disk.mjs < /dev/null > log 2>&1; status=$?; cat log; exit $status';
    expectWorks(output('sh', ['-c', command, 'sh', node], { cwd: folder, env: usersEnvironment() }));
  } finally {
    stopWine();
  }
}

function expectWorks(text: string): void {
  if (text.trim() !== 'works') throw new Error(`expected works: ${text}`);
}
