import type { CheckOptions, Device } from '@vgpu/executor';
import { CliError } from '../errors.js';

export type GpuChoice = 'auto' | 'real' | 'software';

/** What `vgpu run` needs of an executor, started here or found running. */
export interface RunningExecutor {
  readonly url: string;
  /** Not known where only programs can connect. */
  readonly device: Device | undefined;
  stop(): Promise<void>;
}

interface OpenOptions {
  gpu?: GpuChoice | undefined;
  /** An executor that is already there; it is left running. */
  url?: string | undefined;
  /** Only of an executor that is started here. */
  check?: CheckOptions | undefined;
  profilePath?: string | undefined;
  signal: AbortSignal;
  log: (line: string) => void;
}

export async function openExecutor({
  gpu,
  url,
  check,
  profilePath,
  signal,
  log,
}: OpenOptions): Promise<RunningExecutor> {
  if (url?.startsWith('vsock:')) return atVsock(url);
  // Imported here because start-up time counts for every other command, --help included.
  const { Executor } = await import('@vgpu/executor');
  return url === undefined
    ? Executor.start({ gpu: gpu ?? 'auto', check, profilePath, signal, log })
    : Executor.connect(url);
}

const LARGEST = 2 ** 32 - 1;

/** Node opens no vsock connections, so only the program can find out who is there. */
function atVsock(url: string): RunningExecutor {
  const [, machine, port] = /^vsock:(\d{1,10}):(\d{1,10})$/.exec(url) ?? [];
  // The largest numbers mean any machine and any port.
  if (machine === undefined || Number(machine) >= LARGEST || Number(port) >= LARGEST) {
    throw new CliError('ERR_VGPU_USAGE', `not the address of an executor: ${url}`, {
      remedy:
        'give the number of the machine and the port, as in vsock:2:4000; 2 is the host of a virtual machine',
    });
  }
  return { url, device: undefined, stop: async () => {} };
}
