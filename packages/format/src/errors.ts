// What can be wrong with a file, or with what a caller asked for.

/** Why a file was refused. */
export type FileProblem =
  | 'truncated'
  | 'bad-magic'
  | 'unsupported-version'
  | 'bad-checksum'
  | 'not-committed'
  | 'bad-metadata'
  | 'out-of-range';

const problemCodes = {
  /**
   * The file ends before something it says it holds.
   * @remedy Copy or download the file again, or restore it from a backup.
   */
  truncated: 'ERR_VGPU_FORMAT_TRUNCATED',
  /**
   * Not a file of this kind.
   * @remedy Check that this is the right file, and that it is of the kind that is asked for: .pycauset or .npy.
   */
  'bad-magic': 'ERR_VGPU_FORMAT_BAD_MAGIC',
  /**
   * A newer version of the format, of a metadata block or of .npy.
   * @remedy Read it with a newer version of @vgpu/format.
   */
  'unsupported-version': 'ERR_VGPU_FORMAT_UNSUPPORTED_VERSION',
  /**
   * No slot, or not the metadata, matches its CRC-32.
   * @remedy Copy the file again, or restore it from a backup.
   */
  'bad-checksum': 'ERR_VGPU_FORMAT_BAD_CHECKSUM',
  /**
   * A writer was interrupted.
   * @remedy Write the file again, or look with `vgpu file repair` what it holds.
   */
  'not-committed': 'ERR_VGPU_FORMAT_NOT_COMMITTED',
  /**
   * The metadata cannot be decoded, or describe no array.
   * @remedy Write the file again with another program.
   */
  'bad-metadata': 'ERR_VGPU_FORMAT_BAD_METADATA',
  /**
   * An offset, length or header field that cannot be.
   * @remedy Restore the file, or write it again.
   */
  'out-of-range': 'ERR_VGPU_FORMAT_OUT_OF_RANGE',
} as const satisfies Record<FileProblem, string>;

const problemRemedies: Record<FileProblem, string> = {
  truncated: 'The end of the file is missing: copy or download it again, or restore it from a backup.',
  'bad-magic':
    'Check that this is the right file, and that it is of the kind that is asked for: .pycauset or .npy.',
  'unsupported-version': 'Read it with a newer version of @vgpu/format.',
  'bad-checksum': 'The file is damaged: copy it again, or restore it from a backup.',
  'not-committed': 'A writer was interrupted. Write the file again, or open it explicitly as uncommitted.',
  'bad-metadata': 'The program that wrote the file has a mistake: write the file again with another.',
  'out-of-range': 'The file is damaged or was written wrongly: restore it, or write it again.',
};

export type FormatErrorCode =
  | (typeof problemCodes)[FileProblem]
  /**
   * A simple file, which carries neither shape nor dtype, where a container is needed.
   * @remedy Read its header with decodeHeader, and its payload with the shape and dtype that you know.
   */
  | 'ERR_VGPU_FORMAT_SIMPLE_FILE'
  /**
   * The file does not say its structure and dtype.
   * @remedy Say what it is with `assume`, or `--assume symmetric:f64` on the command line.
   */
  | 'ERR_VGPU_FORMAT_UNIDENTIFIED'
  /**
   * A block of a block matrix is missing or is not the one named.
   * @remedy Keep the folder `<file>.blocks` beside the file, as it was written.
   */
  | 'ERR_VGPU_FORMAT_BLOCKS'
  /**
   * Written out it would exceed the limit, or any file.
   * @remedy Raise the limit, or write the array in pieces.
   */
  | 'ERR_VGPU_FORMAT_TOO_LARGE'
  /**
   * A mistake of the caller.
   * @remedy Correct the argument that the message names.
   */
  | 'ERR_VGPU_FORMAT_ARGUMENT'
  /**
   * .npy elements that have no counterpart.
   * @remedy Convert them in NumPy with `astype` to a dtype that the documentation lists.
   */
  | 'ERR_VGPU_FORMAT_NPY_DTYPE';

/** A value that an error names. */
export type ErrorValue = string | number | bigint | boolean;

// Shared by the ESM and the CommonJS build, which may both be loaded in one process.
const brand = Symbol.for('@vgpu/format/FormatError');

/** Every error that @vgpu/format throws. `code` is stable; `values` holds what the message names. */
export class FormatError extends Error {
  override readonly name: string = 'FormatError';
  readonly [brand] = true;
  readonly code: FormatErrorCode;
  readonly values: Readonly<Record<string, ErrorValue>>;
  /** One sentence: what the user can do about it. */
  readonly remedy: string | undefined;

  constructor(
    code: FormatErrorCode,
    message: string,
    options: { values?: Readonly<Record<string, ErrorValue>>; remedy?: string } = {},
  ) {
    super(message);
    this.code = code;
    this.values = options.values ?? {};
    this.remedy = options.remedy;
  }
}

/** True for an error of this package, whichever copy of it threw. */
export function isFormatError(error: unknown): error is FormatError {
  return error instanceof Error && brand in error;
}

export interface FileProblemDetails {
  /** Where in the file, in bytes from its start. */
  readonly offset: number;
  readonly found: ErrorValue;
  readonly expected: ErrorValue;
}

/** The bytes are not a valid file of the format they claim to be. */
export class InvalidFileFormatError extends FormatError {
  override readonly name = 'InvalidFileFormatError';
  readonly reason: FileProblem;
  readonly offset: number;
  readonly found: ErrorValue;
  readonly expected: ErrorValue;

  constructor(reason: FileProblem, what: string, details: FileProblemDetails) {
    const { offset, found, expected } = details;
    super(problemCodes[reason], `${what}: found ${found}, expected ${expected} (at byte ${offset})`, {
      values: { reason, offset, found, expected },
      remedy: problemRemedies[reason],
    });
    this.reason = reason;
    this.offset = offset;
    this.found = found;
    this.expected = expected;
  }
}

/** Something odd that does not change the values: the file was read all the same. */
export interface FormatWarning {
  readonly code:
    | 'slot-ignored'
    | 'slots-disagree'
    | 'reserved-bytes'
    | 'unreferenced-bytes'
    | 'unknown-layout'
    | 'stale-cache'
    | 'diagonal-inferred'
    | 'structure-assumed'
    | 'not-committed';
  readonly message: string;
  readonly offset: number;
}
