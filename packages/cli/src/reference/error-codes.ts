// Every error code of vgpu, with its cause and what to do about it, read from where the code defines them.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ErrorCode {
  readonly code: string;
  /** The folder in packages/ that defines it. */
  readonly package: string;
  readonly cause: string;
  readonly remedy: string;
}

/** A comment `cause @remedy what to do`, and the code behind it. */
const DEFINITION =
  /\/\*\*((?:(?!\*\/)[\s\S])*?)@remedy((?:(?!\*\/)[\s\S])*?)\*\/\s*[^\n]*?['"](ERR_VGPU_\w+)/g;
const MENTION = /['"](ERR_VGPU_[A-Z0-9_]+)/g;

/** @param root of the repository */
export function definedCodes(root: string): ErrorCode[] {
  const codes = sources(root).flatMap(({ package: name, text }) =>
    [...text.matchAll(DEFINITION)].map(([, cause = '', remedy = '', code = '']) => ({
      code,
      package: name,
      cause: sentence(cause),
      remedy: sentence(remedy),
    })),
  );
  return codes.sort((a, b) => (a.code < b.code ? -1 : 1));
}

/** All codes that the sources name, defined or not. */
export function namedCodes(root: string): Set<string> {
  return new Set(
    sources(root).flatMap(({ text }) => [...text.matchAll(MENTION)].map(([, code = '']) => code)),
  );
}

function sources(root: string): { package: string; text: string }[] {
  const packages = join(root, 'packages');
  return readdirSync(packages).flatMap((name) =>
    ['src', 'native']
      .flatMap((folder) => filesOf(join(packages, name, folder)))
      .map((file) => ({ package: name, text: readFileSync(file, 'utf8') })),
  );
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && /\.(m?ts|mjs|c|cpp|h|hpp)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The text of a comment without its frame. */
function sentence(comment: string): string {
  return comment
    .replace(/^\s*\*/gm, '')
    .replace(/\s+/g, ' ')
    .trim();
}
