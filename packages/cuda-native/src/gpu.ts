// Which driver a session uses, and whether it works.
import { fileURLToPath } from 'node:url';
import { conditionFault, driverFault, type Fault, faultOf, xidFault } from '@vgpu/resilience';
import { type ProbeResult, pessimisticProbe } from '@vgpu/resilience/node';
import type { NativeStart } from './calls.js';
import { argumentError } from './errors.js';
import { absence, type Isolation, isolate, wasReached } from './isolation.js';
import { type Gpu, isNativeError, native, translate } from './native.js';

/** What a session wants of the GPU. */
export interface GpuOptions {
  readonly driver: string | undefined;
  readonly isolation: 'inproc' | 'process';
  readonly executor: string | undefined;
  readonly memoryLimit: number;
  readonly hangAfterMs: number;
}

/** A driver that has been loaded. */
export interface OpenGpu {
  readonly engine: Gpu;
  /** Why its device could not be opened, if that may change. */
  readonly fault: Fault | null;
  /** Where the driver is behind an executor. */
  readonly isolation: Isolation | null;
}

/** Or why there is none. */
export async function openGpu(options: GpuOptions): Promise<OpenGpu | Fault> {
  if (options.isolation === 'process') {
    const isolation = await isolate(options.driver, options.executor);
    return 'kind' in isolation ? isolation : open(isolation.library, options, isolation);
  }
  if (options.executor !== undefined) throw argumentError("an executor is for isolation: 'process'");
  const library = options.driver ?? (process.env.VGPU_CUDA_DRIVER || 'libcuda.so.1');
  const fault = await probe(library);
  // What has answered does no harm here, and may answer otherwise by now, or later.
  return fault?.kind === 'absent' ? fault : open(library, options, null);
}

/** What every call begins with that nobody stops. */
export function unstoppable(): NativeStart {
  return [new Int32Array(new SharedArrayBuffer(4)), Number.MAX_SAFE_INTEGER];
}

async function open(
  library: string,
  options: GpuOptions,
  isolation: Isolation | null,
): Promise<OpenGpu | Fault> {
  const engine = new (native().Gpu)(library, options.memoryLimit, isolation?.executor);
  const gpu: OpenGpu = { engine, isolation, fault: null };
  const attempt = async () => {
    await isolation?.workersKilled();
    const fault = await faultIn(gpu, engine.open(...unstoppable()));
    if (fault === null || isolation === null || fault.kind === 'absent' || fault.kind === 'gone')
      return fault;
    // A worker that an earlier session has lost is replaced.
    return reopen(gpu);
  };
  const fault = await limited(attempt(), options.hangAfterMs, () => giveUp(gpu));
  if (isolation !== null && fault === null) wasReached();
  return fault?.kind === 'absent' ? fault : { ...gpu, fault };
}

/** What waits for the GPU writes nothing from now on, and goes on when its worker is gone. */
export function giveUp({ engine, isolation }: OpenGpu): void {
  engine.abandon();
  isolation?.killWorker();
}

/** Whatever the driver answers: it is for a session that ends. */
export async function freeMemory(gpu: OpenGpu, hangAfterMs: number): Promise<void> {
  const freed = faultIn(gpu, gpu.engine.freeMemory(...unstoppable())).catch(() => null);
  await limited(freed, hangAfterMs, () => giveUp(gpu));
}

async function limited(
  attempt: Promise<Fault | null>,
  milliseconds: number,
  onTimeout: () => void,
): Promise<Fault | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<Fault>((resolve) => {
    timer = setTimeout(() => {
      onTimeout();
      resolve(conditionFault('hung'));
    }, milliseconds);
  });
  try {
    return await Promise.race([attempt, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What the driver's own answer to an operation does not say. */
export function faultBehind({ engine, isolation }: OpenGpu, error: unknown): Fault | undefined {
  const gone = goneByXid(engine);
  if (gone !== undefined || isolation === null) return gone;
  const answer = error instanceof Error ? error.cause : undefined;
  // The guest library says so by itself where nobody listens.
  const isAway = isNativeError(answer) && answer.first === noDevice && answer.call === 'cuInit';
  return isAway ? absence(isolation.executor) : undefined;
}

/** The Xid error that says that the GPU is gone, whatever the driver's own answer says. */
function goneByXid(engine: Gpu): Fault | undefined {
  return engine
    .xids()
    .map(xidFault)
    .find(({ kind }) => kind === 'gone');
}

/** What the GPU answers, if that is no success. */
async function faultIn(gpu: OpenGpu, call: Promise<unknown>): Promise<Fault | null> {
  try {
    await call;
    return null;
  } catch (caught) {
    const error = translate(caught, undefined);
    const fault = faultOf(error);
    if (fault === undefined) throw caught;
    return faultBehind(gpu, error) ?? fault;
  }
}

/** A new worker, or why there is none. */
export async function reopen(gpu: OpenGpu): Promise<Fault | null> {
  await gpu.isolation?.workersKilled();
  const fault = await faultIn(gpu, gpu.engine.reopen(...unstoppable()));
  return fault ?? goneByXid(gpu.engine) ?? null;
}

const noDevice = 100;

const probes = new Map<string, Promise<Fault | null>>();

/** Each library is tried once in a process: what crashes at its first call does so again. */
function probe(library: string): Promise<Fault | null> {
  const known = probes.get(library) ?? probeInChild(library);
  probes.set(library, known);
  return known;
}

async function probeInChild(library: string): Promise<Fault | null> {
  // From src/ and from dist/ alike.
  const module = fileURLToPath(new URL('../dist/gpu-probe.js', import.meta.url));
  return faultOfProbe(await pessimisticProbe({ module, arguments: [library] }));
}

function faultOfProbe({ outcome, fault, stderr }: ProbeResult): Fault | null {
  const [, code] = outcome === 'refused' ? (/"code":(\d+)/.exec(stderr) ?? []) : [];
  if (code === undefined) return fault;
  return code === '0' ? conditionFault('library-missing') : driverFault(Number(code));
}
