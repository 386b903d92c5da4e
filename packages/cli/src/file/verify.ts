// `vgpu file verify`: format, metadata, and the payload against its checksum where it has one.
import { isArrayError, PersistentArray, type VerifyReport } from '@vgpu/array';
import { type Assumption, type FileKind, type FormatWarning, isFormatError } from '@vgpu/format';
import { describeError, EXIT_FAILED, EXIT_FINDINGS } from '../errors.js';
import { formatBytes, formatCount } from '../output/bytes.js';
import type { Context, Outcome } from '../output/command.js';
import { errorDocument } from '../output/json.js';
import { progressBar } from '../output/progress-bar.js';
import { examine } from './examine.js';
import { checkInput } from './paths.js';

interface VerifyOptions {
  readonly assume?: Assumption | undefined;
}

interface Verdict {
  readonly path: string;
  readonly kind: FileKind | null;
  readonly report: VerifyReport | undefined;
  readonly warnings: readonly FormatWarning[];
  readonly error: unknown;
}

export async function verify(
  paths: readonly string[],
  options: VerifyOptions,
  context: Context,
): Promise<Outcome> {
  const verdicts: Verdict[] = [];
  for (const path of paths) {
    verdicts.push(await verifyFile(path, options, context));
    context.signal.throwIfAborted();
  }
  for (const { path, error } of verdicts) {
    if (error !== undefined) context.say(describeError(error).trimEnd().replace('vgpu: ', `vgpu: ${path}: `));
  }
  const failed = verdicts.filter(({ error }) => error !== undefined);
  const unreadable = failed.some(({ error }) => !isDamage(error));
  return {
    exitCode: failed.length === 0 ? 0 : unreadable ? EXIT_FAILED : EXIT_FINDINGS,
    document: { files: verdicts.map(toDocument) },
    text: verdicts.map((verdict) => verdictText(verdict, context)).join('\n'),
  };
}

async function verifyFile(path: string, options: VerifyOptions, context: Context): Promise<Verdict> {
  const none = { path, kind: null, report: undefined, warnings: [] };
  try {
    checkInput(path);
    const { kind, error } = examine(path, options.assume, (found) => found);
    if (kind === 'npy' || kind === 'unknown') return { ...none, kind, error };
    return { ...none, kind, ...(await verifyArray(path, options, context)) };
  } catch (error) {
    return { ...none, error };
  }
}

async function verifyArray(
  path: string,
  { assume }: VerifyOptions,
  { signal, progress }: Context,
): Promise<Pick<Verdict, 'report' | 'warnings' | 'error'>> {
  return progress.during(`verifying ${path}`, async (detail) => {
    const bar = progressBar();
    await using array = await PersistentArray.open(path, assume ? { assume } : {});
    const report = await array.verify({ signal, onProgress: (done, total) => detail(bar(done, total)) });
    return { report, warnings: array.warnings, error: report.error };
  });
}

/** Something about the file itself, rather than about reaching it. */
function isDamage(error: unknown): boolean {
  return isFormatError(error) || (isArrayError(error) && error.code === 'ERR_VGPU_ARRAY_DAMAGED');
}

function toDocument({ path, kind, report, warnings, error }: Verdict): object {
  return {
    path,
    ok: error === undefined,
    kind,
    checksum: report?.checksum ?? null,
    payloadBytes: report?.payloadBytes ?? null,
    chunks: report?.chunks ?? null,
    damaged: report?.damaged ?? [],
    warnings,
    error: error === undefined ? null : errorDocument(error),
  };
}

function verdictText({ path, report, warnings, error }: Verdict, { style }: Context): string {
  const notes = warnings.map(({ code, message }) => `\n  warning: ${message} (${code})`).join('');
  if (error !== undefined) {
    const { code } = errorDocument(error);
    return `${path}: ${style.bad(isDamage(error) ? 'not valid' : 'not verified')} (${code})${notes}`;
  }
  return `${path}: ${style.good('ok')}, ${scopeOf(report)}${notes}`;
}

/** What was looked at: no file is called good beyond that. */
function scopeOf(report: VerifyReport | undefined): string {
  if (report === undefined) return 'header and length; .npy files have no checksum';
  const size = formatBytes(report.payloadBytes);
  switch (report.checksum) {
    case 'crc32':
      return `header, metadata and ${size} of payload (CRC-32, ${formatCount(report.chunks)} of them)`;
    case 'none':
      return `header and metadata; ${size} of payload were read, but the file has no checksum of it`;
    case 'unknown':
      return `header and metadata; ${size} of payload were read, but its checksum is of an unknown kind`;
  }
}
