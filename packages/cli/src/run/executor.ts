import { CliError } from '../errors.js';

export type GpuChoice = 'auto' | 'real' | 'software';

export interface Device {
  name: string;
  memoryBytes: number;
  backend: string;
}

/** What `vgpu run` needs of an executor, started here or found running. */
export interface RunningExecutor {
  readonly url: string;
  readonly device: Device;
  stop(): Promise<void>;
}

interface OpenOptions {
  gpu?: GpuChoice | undefined;
  /** An executor that is already there; it is left running. */
  url?: string | undefined;
  signal: AbortSignal;
}

export async function openExecutor({ gpu, url, signal }: OpenOptions): Promise<RunningExecutor> {
  if (url !== undefined) checkUrl(url);
  // Imported here because start-up time counts for every other command, --help included.
  const { Executor } = await import('@vgpu/executor');
  return url === undefined ? Executor.start({ gpu: gpu ?? 'auto', signal }) : Executor.connect(url);
}

function checkUrl(url: string): void {
  if (/^unix:\/./.test(url)) return;
  throw new CliError('ERR_VGPU_USAGE', `not an executor's address: ${url}`, {
    remedy: 'give the absolute path of its socket, for instance unix:/run/vgpu.sock',
  });
}
