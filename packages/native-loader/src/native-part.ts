/** A native file that a package cannot do without. */
export interface NativePart {
  /** The package's name on npm. Its platform packages are called `NAME-PLATFORM-ARCHITECTURE`. */
  readonly package: string;
  /** `import.meta.url` of a file directly in the package's `src/` or `dist/`. */
  readonly from: string;
  /** The file's path in `build/native`, and in every platform package. */
  readonly file: string;
  /** An environment variable that names another file to take, which then is the only one. */
  readonly variable?: string;
}

/** What was found, or why nothing was. */
export type Found<T> = { readonly value: T } | { readonly problem: Problem };

export interface Problem {
  /** Every file that was tried, and why it would not do, one per line. */
  readonly message: string;
  /** One sentence. */
  readonly remedy: string;
  readonly causes: readonly unknown[];
}
