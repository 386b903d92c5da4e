// Where the daemon's program is.
import { findFile } from '@vgpu/native-loader';
import { ExecutorError } from './errors.js';

/** @throws ExecutorError ERR_VGPU_EXECUTOR_MISSING, naming every place that was tried and why it would not do. */
export function findBinary(): string {
  const found = findFile(
    {
      package: '@vgpu/executor',
      from: import.meta.url,
      file: 'bin/vgpu-executor',
      variable: 'VGPU_EXECUTOR_BINARY',
    },
    'execute',
  );
  if ('value' in found) return found.value;
  const { message, remedy, causes } = found.problem;
  throw new ExecutorError('ERR_VGPU_EXECUTOR_MISSING', message, { remedy, cause: causes[0] });
}
