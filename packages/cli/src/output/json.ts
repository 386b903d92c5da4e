// What `--json` prints: one document, made of what JSON has.
import { remedyOf, UNEXPECTED } from '../errors.js';

/** Raised when a field changes its meaning or goes; new fields do not raise it. */
const schemaVersion = 1;

/**
 * One line of JSON. Integers beyond 2^53 become strings, as do NaN and the infinities; bytes become hexadecimal
 * digits.
 */
export function jsonDocument(command: string, ok: boolean, content: object): string {
  return `${JSON.stringify({ schemaVersion, command, ok, ...content }, replace)}\n`;
}

function replace(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return value;
}

/** An error as a document's `error`. */
export interface ErrorDocument {
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
  readonly values?: object;
  readonly cause?: string;
}

export function errorDocument(error: unknown): ErrorDocument {
  if (!(error instanceof Error)) return { code: UNEXPECTED, message: String(error) };
  const { code, values } = error as Error & { code?: unknown; values?: unknown };
  const remedy = remedyOf(error);
  const known = typeof code === 'string' && code.startsWith('ERR_VGPU_');
  return {
    code: known ? code : UNEXPECTED,
    message: error.message,
    ...(remedy !== undefined && { remedy }),
    ...(typeof values === 'object' && values !== null && { values }),
    ...(error.cause instanceof Error && { cause: error.cause.message }),
  };
}
