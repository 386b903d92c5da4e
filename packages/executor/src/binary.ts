// Where the daemon's program is.
import { accessSync, constants } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ExecutorError } from './errors.js';

// From src/ and from dist/ alike.
const beside = fileURLToPath(new URL('../build/native/bin/vgpu-executor', import.meta.url));

/** @throws ExecutorError ERR_VGPU_EXECUTOR_MISSING, naming every place that was tried and why it would not do. */
export function findBinary(configured = process.env.VGPU_EXECUTOR_BINARY): string {
  // Whoever names a program wants that one and no other.
  const candidates = configured ? [configured] : [beside];
  const failures: string[] = [];
  for (const candidate of candidates) {
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new ExecutorError(
    'ERR_VGPU_EXECUTOR_MISSING',
    `there is no executor to start: ${failures.join('; ')}`,
    {
      remedy: configured
        ? 'set VGPU_EXECUTOR_BINARY to the path of vgpu-executor, or unset it'
        : 'build it: pnpm build',
    },
  );
}
