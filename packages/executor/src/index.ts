export { resolveExecutorUrl } from './address.js';
export { type ExecutorErrorCode, ExecutorError, isExecutorError } from './errors.js';
export {
  type Check,
  type CheckOptions,
  type Device,
  Executor,
  type ExecutorEvents,
  type StartOptions,
} from './executor.js';
export type { RestartOptions } from './restart.js';
export { type ClientStatus, type ConnectOptions, type ExecutorStatus, executorStatus } from './status.js';
