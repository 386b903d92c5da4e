// The ways in: what each of them changes, and how a program then gets to the library.
import { existsSync, readFileSync, readlinkSync } from 'node:fs';
import type { Changes } from './changes.js';
import { CURRENT, LIBRARY, NAMES, PRELOAD_FILE, UNITS } from './layout.js';
import { preloadEntries } from './preload-list.js';
import { ask, type SystemRoot } from './root.js';
import type { Scope } from './scope-names.js';
import { hasSystemd, systemctl } from './service.js';

/** One thing that an installation does. */
export interface Step {
  readonly title: string;
  /** False where it has been done already. */
  readonly needed: boolean;
  perform(changes: Changes): Promise<void> | void;
}

export interface ScopeOptions {
  readonly scope: Scope;
  readonly service?: string;
  readonly executor?: string;
  /** What the service has in its environment by its own files. */
  readonly environment?: ReadonlyMap<string, string>;
}

const LDCONFIG_MS = 120_000;
const CONFIGURATION = '/etc/vgpu/shim.conf';
const LOADER_FILE = '/etc/ld.so.conf.d/vgpu-shim.conf';
const DEVICE_FILE = '/etc/cdi/vgpu.json';

export function scopeSteps(root: SystemRoot, options: ScopeOptions): Step[] {
  const { scope, executor } = options;
  if (scope === 'service') return serviceSteps(root, options);
  if (scope === 'container') {
    return [fileStep(root, 'describe the device to container engines', DEVICE_FILE, deviceText(executor))];
  }
  const configuration = executor === undefined ? [] : [configurationStep(root, executor)];
  return [...configuration, scope === 'program' ? loaderStep(root) : preloadStep(root)];
}

/** The environment of a program that this scope reaches. */
export function scopeEnvironment({ scope, executor }: ScopeOptions): Record<string, string> {
  return scope === 'service' || scope === 'container' ? environmentOf(executor) : {};
}

function environmentOf(executor: string | undefined): Record<string, string> {
  return {
    LD_PRELOAD: LIBRARY,
    LD_LIBRARY_PATH: NAMES,
    ...(executor !== undefined && { VGPU_EXECUTOR: executor }),
  };
}

export function linkStep(root: SystemRoot, version: string): Step {
  return {
    title: `use this version: ${CURRENT} -> ${version}`,
    needed: linkTarget(root.at(CURRENT)) !== version,
    perform: (changes) => changes.placeLink(CURRENT, version),
  };
}

export function fileStep(root: SystemRoot, title: string, path: string, text: string): Step {
  return {
    title: `${title}: ${path}`,
    needed: textOf(root.at(path)) !== text,
    perform: (changes) => changes.placeFile(path, text),
  };
}

function preloadStep(root: SystemRoot): Step {
  return {
    title: `load the library into every program that starts: a line in ${PRELOAD_FILE}`,
    needed: !preloadEntries(textOf(root.at(PRELOAD_FILE)) ?? '').includes(LIBRARY),
    perform: (changes) => changes.addEntry(PRELOAD_FILE, LIBRARY),
  };
}

/** Programs that ask for CUDA's libraries by name find them; no other program notices. */
function loaderStep(root: SystemRoot): Step {
  const text = `# Written by vgpu shim install\n${NAMES}\n`;
  return {
    title: `show the library to programs that ask for CUDA: ${LOADER_FILE}, and ldconfig`,
    needed: textOf(root.at(LOADER_FILE)) !== text,
    perform: async (changes) => {
      changes.note(['ldconfig']);
      changes.placeFile(LOADER_FILE, text);
      const { code, ending, stderr } = await ask('ldconfig', ['-r', root.path], process.env, LDCONFIG_MS);
      if (code !== 0) throw new Error(`ldconfig ${ending}: ${stderr}`);
    },
  };
}

function serviceSteps(root: SystemRoot, { service = '', executor, environment }: ScopeOptions): Step[] {
  const own = environmentOf(executor);
  const others = (name: string, separator: RegExp, ours: string) =>
    (environment?.get(name) ?? '').split(separator).filter((entry) => entry !== '' && entry !== ours);
  const merged = {
    ...own,
    LD_PRELOAD: [...others('LD_PRELOAD', /[ :]+/, LIBRARY), LIBRARY].join(':'),
    LD_LIBRARY_PATH: [NAMES, ...others('LD_LIBRARY_PATH', /:/, NAMES)].join(':'),
  };
  // systemd.unit(5): a percent sign of its own is doubled; systemd.exec(5): what has spaces is quoted.
  const lines = Object.entries(merged).map(
    ([name, value]) => `Environment="${name}=${value.replaceAll(/["\\]/g, '\\$&').replaceAll('%', '%%')}"`,
  );
  const text = `# Written by vgpu shim install\n[Service]\n${lines.join('\n')}\n`;
  const path = `${UNITS}/${service}.d/vgpu-shim.conf`;
  const step = fileStep(root, `give the library to ${service}`, path, text);
  const perform = async (changes: Changes) => {
    changes.note(['reload']);
    await step.perform(changes);
    if (root.isRunning && hasSystemd()) await systemctl('daemon-reload');
  };
  return [{ ...step, perform }];
}

/** Container Device Interface, specification 0.6: `--device vgpu.dev/gpu=shim` of Docker, Podman, containerd. */
function deviceText(executor: string | undefined): string {
  const socket = /^unix:(\/.+)$/.exec(executor ?? '')?.[1];
  const mounts = [
    { hostPath: CURRENT, containerPath: CURRENT, options: ['ro', 'nosuid', 'nodev', 'bind'] },
    ...(socket
      ? [{ hostPath: socket, containerPath: socket, options: ['rw', 'nosuid', 'nodev', 'bind'] }]
      : []),
  ];
  const env = Object.entries(environmentOf(executor)).map(([name, value]) => `${name}=${value}`);
  const device = { name: 'shim', containerEdits: { env, mounts } };
  return `${JSON.stringify({ cdiVersion: '0.6.0', kind: 'vgpu.dev/gpu', devices: [device] }, undefined, 2)}\n`;
}

/** What else the file says stays. */
function configurationStep(root: SystemRoot, executor: string): Step {
  const setting = `executor = ${executor}`;
  const before = textOf(root.at(CONFIGURATION)) ?? '';
  const kept = before.split('\n').filter((line) => !/^\s*executor\s*=/.test(line));
  if (kept.at(-1) === '') kept.pop();
  const text = [...kept, setting, ''].join('\n');
  return fileStep(root, `name the executor (${executor})`, CONFIGURATION, text);
}

function textOf(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
