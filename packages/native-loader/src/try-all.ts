import { candidates } from './candidates.js';
import { diagnose, type Failure } from './diagnosis.js';
import { thisHost } from './host.js';
import type { Found, NativePart } from './native-part.js';

/** The first result of `attempt`, or all that went wrong. */
export function tryAll<T>(part: NativePart, attempt: (path: string) => T): Found<T> {
  const failures: Failure[] = [];
  for (const { path, label, obstacle } of candidates(part, `${process.platform}-${process.arch}`)) {
    if (obstacle) {
      failures.push({ label, ...obstacle });
      continue;
    }
    try {
      return { value: attempt(path) };
    } catch (cause) {
      failures.push({ label, kind: 'failed', why: firstLine(cause), cause });
    }
  }
  return { problem: diagnose(part, thisHost(), failures) };
}

/** Node adds the list of requiring files, and where in its sources a call failed. */
function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1).join();
}
