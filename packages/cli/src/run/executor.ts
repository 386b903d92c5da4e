import type { CheckOptions, Device } from '@vgpu/executor';

export type GpuChoice = 'auto' | 'real' | 'software';

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
  // Imported here because start-up time counts for every other command, --help included.
  const { Executor } = await import('@vgpu/executor');
  return url === undefined
    ? Executor.start({ gpu: gpu ?? 'auto', check, profilePath, signal, log })
    : Executor.connect(url);
}
