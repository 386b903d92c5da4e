// Socket paths and the URLs that stand for them.
import { lookup } from 'node:dns/promises';
import { mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ExecutorError } from './errors.js';

/** sockaddr_un has room for 108 bytes, the last of which is a NUL. */
const MAXIMUM_PATH_BYTES = 107;

const SOCKET_NAME = 'executor.sock';

export function urlOf(socketPath: string): string {
  return `unix:${socketPath}`;
}

/** Where an executor listens, as node:net wants to have it. */
export type ExecutorAddress = { readonly path: string } | { readonly host: string; readonly port: number };

function notAnAddress(url: string, remedy: string): ExecutorError {
  return new ExecutorError('ERR_VGPU_EXECUTOR_OPTIONS', `not the address of an executor: ${url}`, { remedy });
}

/** @throws ExecutorError ERR_VGPU_EXECUTOR_OPTIONS unless `url` is unix:/absolute/path or tcp:host:port. */
export function parseExecutorUrl(url: string): ExecutorAddress {
  const [scheme = '', rest = ''] = url.split(/:(.*)/s, 2);
  if (scheme === 'unix' && isAbsolute(rest)) {
    checkSocketPath(rest);
    return { path: rest };
  }
  if (scheme === 'vsock') {
    throw notAnAddress(
      url,
      'Node cannot open vsock connections; ask the executor at its unix or TCP address',
    );
  }
  const [, bracketed, name, digits] =
    (scheme === 'tcp' && rest.match(/^(?:\[([^[\]]+)\]|([^:/[\]]+)):(\d{1,5})$/)) || [];
  const host = bracketed ?? name;
  const port = Number(digits);
  if (host === undefined || port < 1 || port > 65535) {
    throw notAnAddress(url, 'give unix:/absolute/path, tcp:host:port or tcp:[ipv6]:port');
  }
  return { host, port };
}

/**
 * The same address without a name that would have to be looked up: programs get this one, because the guest library
 * looks nothing up.
 * @throws ExecutorError ERR_VGPU_EXECUTOR_OPTIONS; _UNREACHABLE when the name is not known
 */
export async function resolveExecutorUrl(url: string): Promise<string> {
  if (url.startsWith('vsock:')) return url;
  const address = parseExecutorUrl(url);
  // The guest library knows this one name.
  if ('path' in address || address.host === 'localhost') return url;
  try {
    const { address: numeric, family } = await lookup(address.host);
    return `tcp:${family === 6 ? `[${numeric}]` : numeric}:${address.port}`;
  } catch (cause) {
    throw new ExecutorError('ERR_VGPU_EXECUTOR_UNREACHABLE', `no machine is called ${address.host}`, {
      cause,
    });
  }
}

/** @throws ExecutorError ERR_VGPU_EXECUTOR_OPTIONS when no socket can have this path. */
export function checkSocketPath(path: string): void {
  if (!isAbsolute(path) || path.includes('\0')) {
    throw new ExecutorError('ERR_VGPU_EXECUTOR_OPTIONS', `not an absolute path: ${path}`);
  }
  if (!fits(path)) {
    throw new ExecutorError('ERR_VGPU_EXECUTOR_OPTIONS', `too long for a socket: ${path}`, {
      remedy: `choose a path of at most ${MAXIMUM_PATH_BYTES} bytes`,
    });
  }
}

export interface PrivateSocket {
  directory: string;
  path: string;
}

/**
 * Makes a folder that only this user can enter, and names a socket in it. Long temporary folders are common (macOS,
 * CI), long /tmp is not.
 */
export function makePrivateSocket(
  parents: readonly (string | undefined)[] = [process.env.XDG_RUNTIME_DIR, tmpdir(), '/tmp'],
): PrivateSocket {
  const failures: string[] = [];
  for (const parent of new Set(parents)) {
    if (!parent || !isAbsolute(parent)) continue;
    if (!fits(join(parent, 'vgpu-XXXXXX', SOCKET_NAME))) {
      failures.push(`${parent} is too long for a socket`);
      continue;
    }
    try {
      // mkdtemp makes folders of mode 0700.
      const directory = mkdtempSync(join(parent, 'vgpu-'));
      return { directory, path: join(directory, SOCKET_NAME) };
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new ExecutorError('ERR_VGPU_EXECUTOR_START', `no folder for the socket: ${failures.join('; ')}`, {
    remedy: 'set TMPDIR to a short path of a folder that can be written to',
  });
}

/** Makes the folder anew if the daemon took it away when it ended. */
export function restoreDirectory(directory: string): void {
  mkdirSync(directory, { mode: 0o700, recursive: true });
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= MAXIMUM_PATH_BYTES;
}
