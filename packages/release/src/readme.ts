// README files name files of the repository, which a registry does not have.
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './workspace.js';

export interface ReadmeOptions {
  /** Folder in `packages/`. */
  readonly folder: string;
  /** Where the repository is read, like https://github.com/owner/name; without it a link becomes its text. */
  readonly repository: string | undefined;
  /** Whether the archive has a path of the package. */
  readonly isPacked: (path: string) => boolean;
}

const LINK = /\[([^\]]+)\]\(([^)\s]+)\)/g;

/** @throws Error for a link to what does not exist */
export function publishedReadme(text: string, options: ReadmeOptions): string {
  return text.replace(LINK, (link, label: string, target: string) => {
    if (/^([a-z]+:|#)/i.test(target)) return link;
    const [path = '', anchor] = target.split('#', 2);
    if (options.isPacked(path)) return link;
    const file = join(root, 'packages', options.folder, path);
    if (!existsSync(file)) throw new Error(`packages/${options.folder}/README.md: ${target} does not exist`);
    if (options.repository === undefined) return label;
    const fragment = anchor === undefined ? '' : `#${anchor}`;
    return `[${label}](${options.repository}/blob/HEAD/${relative(root, file)}${fragment})`;
  });
}
