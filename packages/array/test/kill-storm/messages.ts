// What a writer tells the storm, a line each.
export type Message =
  /** Stale files are gone, the array is open, own scratch files are there. */
  | { readonly kind: 'ready'; readonly version: number; readonly scratch: readonly string[] }
  /** A new version is being made. */
  | { readonly kind: 'begin'; readonly version: number }
  /** begin() has returned, commit() comes next. */
  | { readonly kind: 'commit'; readonly version: number }
  /** The version is there for good. */
  | { readonly kind: 'done'; readonly version: number };

export const modes = ['atomic', 'in-place', 'replace'] as const;
export type Mode = (typeof modes)[number];

export const rows = 16;
export const columns = 600;

export function valueAt(version: number, row: number, column: number): number {
  return version * 100_000 + row * 1000 + column;
}

export function fileOf(mode: Mode): string {
  return `${mode}.pycauset`;
}
