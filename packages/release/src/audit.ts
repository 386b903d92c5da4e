// What publint and Are The Types Wrong say about an archive.
import { readFileSync } from 'node:fs';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import type { Packed } from './pack.js';

/** Everything that is wrong with it, one line each. */
export async function audit(packed: Packed): Promise<string[]> {
  const { manifest, file } = packed;
  const bytes = readFileSync(file);
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const { messages } = await publint({ pack: { tarball }, strict: true });
  const found = messages.map(
    (message) =>
      `${manifest.name}: publint: ${message.type}: ${formatMessage(message, manifest, { color: false })}`,
  );
  return hasTypes(manifest.exports) ? [...found, ...(await checkTypes(packed))] : found;
}

/** Programs and platform packages are not imported. */
function hasTypes(exports: unknown): boolean {
  return JSON.stringify(exports ?? {}).includes('.d.ts');
}

async function checkTypes({ manifest, file }: Packed): Promise<string[]> {
  const result = await checkPackage(createPackageFromTarballData(readFileSync(file)));
  if (!result.types) return [`${manifest.name}: attw: no types`];
  return (
    result.problems
      // Node 10 knows no exports.
      .filter((problem) => !('resolutionKind' in problem && problem.resolutionKind === 'node10'))
      .map((problem) => `${manifest.name}: attw: ${JSON.stringify(problem)}`)
  );
}
