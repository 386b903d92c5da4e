/** As Vitest's JSON reporter has it. */
export interface Result {
  readonly title: string;
  readonly status: string;
  readonly duration?: number | null;
  readonly failureMessages?: readonly string[];
}

export function summary(results: readonly Result[]): { passed: number; failed: number; skipped: number };
export function reason(result: Result): string;
export function section(run: {
  readonly device: string;
  readonly date: string;
  readonly results: readonly Result[];
  readonly benchmark: string;
}): string;
export function withSection(page: string, text: string): string;
