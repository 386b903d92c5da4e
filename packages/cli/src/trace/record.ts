// The lines that the tracing library writes, and what they mean together.
import { resultName } from '@vgpu/protocol';
import { z } from 'zod';

const value = z.union([z.number(), z.string(), z.null(), z.array(z.number())]);
const values = z.record(z.string(), value);

const schema = z.object({
  /** Nanoseconds of a clock that is the same for all processes of the machine. */
  began: z.number(),
  nanoseconds: z.number(),
  process: z.int(),
  thread: z.int(),
  api: z.enum(['driver', 'runtime', 'nvml', 'cublas']),
  function: z.string(),
  arguments: values,
  results: values.optional(),
  result: value.optional(),
});
type Line = z.infer<typeof schema>;

/** One call of the program. */
export interface TraceRecord extends Line {
  /** "CUDA_SUCCESS"; undefined for functions whose result is no code. */
  readonly resultName?: string;
  /** The kernel of a launch, as its source calls it. */
  readonly kernel?: string;
}

/** Lines in the order in which calls returned; a kernel's name is learnt from the call that brought it. */
export class TraceReader {
  readonly #kernels = new Map<string, string>();

  /** Undefined for a line that is cut off: the machine or the disk ended in the middle of it. */
  read(text: string): TraceRecord | undefined {
    const line = parseLine(text);
    if (!line) return undefined;
    this.#learn(line);
    const name = typeof line.result === 'number' ? resultName(line.api, line.result) : undefined;
    const kernel = this.#kernelOf(line);
    return {
      ...line,
      ...(name !== undefined && { resultName: name }),
      ...(kernel !== undefined && { kernel }),
    };
  }

  #learn({ process, function: name, arguments: given, results }: Line): void {
    const known = (handle: unknown) => this.#kernels.get(`${process} ${String(handle)}`);
    const brought: Readonly<Record<string, () => [handle: unknown, kernel: unknown]>> = {
      __cudaRegisterFunction: () => [given.hostFun, given.deviceName],
      __cudaGetKernel: () => [results?.kernel, known(given.entry)],
      cuModuleGetFunction: () => [results?.hfunc, given.name],
      cuLibraryGetKernel: () => [results?.pKernel, given.name],
    };
    const [handle, kernel] = brought[name]?.() ?? [];
    if (typeof handle === 'string' && typeof kernel === 'string') {
      this.#kernels.set(`${process} ${handle}`, kernel);
    }
  }

  #kernelOf({ process, function: name, arguments: given }: Line): string | undefined {
    if (!/Launch.*Kernel/.test(name)) return undefined;
    const handle = given.func ?? given.f ?? given.kernel;
    return typeof handle === 'string' ? this.#kernels.get(`${process} ${handle}`) : undefined;
  }
}

function parseLine(text: string): Line | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  return schema.parse(json);
}
