/** One thing that was looked at. */
export interface Check {
  /** Stable; for scripts. */
  readonly id: string;
  readonly status: Status;
  /** What was seen: versions, paths, what a program answered. */
  readonly evidence: string;
  /** What can be done about it. */
  readonly remedy?: string;
}

/**
 * ok; warning: works, but not as it should be; problem: something will not work; skipped: there was nothing to look
 * at, and the evidence says why.
 */
export type Status = 'ok' | 'warning' | 'problem' | 'skipped';

export const ok = (id: string, evidence: string): Check => ({ id, status: 'ok', evidence });
export const skipped = (id: string, evidence: string): Check => ({ id, status: 'skipped', evidence });
export const warning = (id: string, evidence: string, remedy: string): Check => ({
  id,
  status: 'warning',
  evidence,
  remedy,
});
export const problem = (id: string, evidence: string, remedy: string): Check => ({
  id,
  status: 'problem',
  evidence,
  remedy,
});

/** A check that fails with an error is a problem with what the error says. */
export async function guarded(id: string, look: () => Promise<Check> | Check): Promise<Check> {
  try {
    return await look();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const remedy: unknown = error instanceof Error ? Reflect.get(error, 'remedy') : undefined;
    return problem(id, message, typeof remedy === 'string' ? remedy : 'see the evidence');
  }
}
