// Writes everything that is derived from the table: `pnpm codegen`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { coverage } from './generate/coverage.js';
import { cudaAbiHeader } from './generate/cuda-abi-header.js';
import {
  executorBackend,
  executorDispatch,
  executorDispatchHeader,
  remoteCallList,
} from './generate/executor.js';
import { guestApiHeader, guestDirectory, guestExports, guestRefused } from './generate/guest-api.js';
import { guestCalls } from './generate/guest-calls.js';
import { guestCuda12 } from './generate/guest-cuda12.js';
import { guestEntries, guestEntriesHeader, guestNames } from './generate/guest-entries.js';
import { guestForwarded } from './generate/guest-forwarded.js';
import { guestPerThread } from './generate/guest-per-thread.js';
import { protocolHeader } from './generate/protocol-header.js';
import { cublasFunctions, driverFunctions, realCalls, realCallsHeader } from './generate/real-backend.js';
import { schemaHashModule } from './generate/schema-hash-module.js';
import { traceFunctions } from './generate/trace.js';

const packageDirectory = join(dirname(fileURLToPath(import.meta.url)), '..');

const files: Readonly<Record<string, () => string>> = {
  'generated/cuda_abi.h': cudaAbiHeader,
  'generated/vgpu_protocol.h': protocolHeader,
  'generated/guest_api.h': guestApiHeader,
  'generated/guest_calls.c': guestCalls,
  'generated/guest_entries.c': guestEntries,
  'generated/guest_entries.h': guestEntriesHeader,
  'generated/guest_names.h': guestNames,
  'generated/guest_forwarded.c': guestForwarded,
  'generated/guest_per_thread.c': guestPerThread,
  'generated/guest_refused.c': guestRefused,
  'generated/guest_cuda12.c': guestCuda12,
  'generated/guest_directory.c': guestDirectory,
  'generated/guest_exports.map': guestExports,
  'generated/executor_backend.h': executorBackend,
  'generated/remote_calls.h': remoteCallList,
  'generated/executor_dispatch.h': executorDispatchHeader,
  'generated/executor_dispatch.cpp': executorDispatch,
  'generated/cublas_functions.h': cublasFunctions,
  'generated/driver_functions.h': driverFunctions,
  'generated/real_calls.h': realCallsHeader,
  'generated/real_calls.cpp': realCalls,
  'generated/trace_functions.c': traceFunctions,
  'generated/schema_hash.ts': schemaHashModule,
  '../../docs/coverage.md': coverage,
};

function currentText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

for (const [name, generate] of Object.entries(files)) {
  const path = join(packageDirectory, name);
  const text = generate();
  // An unchanged file keeps its time, so that native builds do not start over.
  if (currentText(path) === text) continue;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
