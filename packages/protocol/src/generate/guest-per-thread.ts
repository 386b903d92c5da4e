// guest_per_thread.c: the calls on the default stream, for programs whose threads have one each.
import type { PerThreadCall } from '../schema.js';
import { perThreadEntries } from '../table/table.js';
import { banner, prototypeText } from './c-text.js';

function definition({ api, prototype, beneath, waits }: PerThreadCall): string {
  const [type, synchronize, success] =
    api === 'driver'
      ? ['CUresult', 'cuStreamSynchronize', 'CUDA_SUCCESS']
      : ['cudaError_t', 'cudaStreamSynchronize', 'cudaSuccess'];
  const names = prototype.parameters.map((parameter) =>
    /^(CUstream|cudaStream_t)$/.test(parameter.type) ? `own_default(${parameter.name})` : parameter.name,
  );
  if (!waits) {
    return `${prototypeText(prototype)} {\n  return ${beneath}(${names.join(', ')});\n}\n`;
  }
  return `${prototypeText(prototype)} {
  const ${type} result = ${beneath}(${[...names, 'own_default(NULL)'].join(', ')});
  return result == ${success} ? ${synchronize}(own_default(NULL)) : result;
}
`;
}

export function guestPerThread(): string {
  return `${banner("Calls on the calling thread's own default stream.")}
#include "guest_api.h"

// CU_STREAM_PER_THREAD where the caller names no stream.
static struct CUstream_st *own_default(struct CUstream_st *stream) {
  return stream == NULL ? (struct CUstream_st *)2 : stream;
}

${perThreadEntries.map(definition).join('\n')}`;
}
