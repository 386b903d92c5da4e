// What options and arguments are made of: text in, value or a clear complaint out.
import { InvalidArgumentError, Option } from 'commander';
import { parseBytes } from '../output/bytes.js';

/** A size in bytes, at least 1: "64MiB", "1.5GB", "4096". */
export function bytesArgument(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === undefined || bytes === 0) {
    throw new InvalidArgumentError('It is a number of bytes such as 4096, 64MiB or 1.5GB.');
  }
  return bytes;
}

/** A whole number from 0 to 2^53 − 1. */
export function countArgument(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(count)) {
    throw new InvalidArgumentError('It is a whole number from 0 to 9007199254740991.');
  }
  return count;
}

/** Whole numbers with commas between them: "1000,200". */
export function countsArgument(text: string): number[] {
  const counts = text.split(',').map((each) => (/^\d+$/.test(each) ? Number(each) : Number.NaN));
  if (!counts.every(Number.isSafeInteger)) {
    throw new InvalidArgumentError('It is whole numbers with commas between them, such as 1000,200.');
  }
  return counts;
}

/** A number above 0, such as 4 or 0.5. */
export function positiveArgument(text: string): number {
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value) || value === 0) throw new InvalidArgumentError('It is a number above 0.');
  return value;
}

export const jsonOption = () => new Option('--json', 'print one JSON document on stdout');

/** The part of a command's help that shows it at work. */
export const examples = (...lines: readonly string[]) =>
  ['', 'Examples:', ...lines.map((line) => `  ${line}`)].join('\n');

export const EXIT_STATUS = `
Exit status: 0 done, 1 error, 2 cancelled, 3 done and something is not as it should be`;
