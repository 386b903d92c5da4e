// What kernels print (printf, assert): the executor keeps it until the program synchronises, then the guest fetches it.
import type { CallEntry } from '../schema.js';
import { bytesOut, out, type RemoteOptions, remote } from './define.js';

const internal = (text: string, options: RemoteOptions): CallEntry =>
  remote('internal', 0, text, { ...options, needsContext: false });

/** Made when a response says VGPU_RESPONSE_OUTPUT, and answered even when the context is dead. */
export const output: readonly CallEntry[] = [
  // How much may be taken now that goes to one stream: 1 is stdout, 2 is stderr. 0 bytes: nothing is left.
  internal('CUresult vgpuOutputPending(size_t *bytes, int *stream)', { roles: { bytes: out, stream: out } }),
  internal('CUresult vgpuOutputTake(void *text, size_t bytes)', { roles: { text: bytesOut('bytes') } }),
];
