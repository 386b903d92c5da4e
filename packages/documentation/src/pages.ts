// Where a Markdown file of the repository is on the site, and its links with it.
import { existsSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import type { MarkdownRenderer } from 'vitepress';

export const root = join(import.meta.dirname, '../../..');

/** The page, as a path from the site's root, that a Markdown file becomes. Both with `.md`. */
export function pageOf(file: string): string {
  if (file === 'CONTRIBUTING.md') return 'contributing.md';
  return file.replace(/^docs\//, '').replace(/\/README\.md$/, '.md');
}

/** Makes links between files of the repository links between pages. Throws where one leads to no page. */
export function siteLinks(markdown: MarkdownRenderer): void {
  markdown.core.ruler.push('site-links', ({ tokens, env }) => {
    const from = relative(root, env.realPath ?? env.path)
      .split(sep)
      .join('/');
    for (const { children } of tokens) {
      for (const token of children ?? []) {
        const href = token.type === 'link_open' ? token.attrGet('href') : null;
        if (href !== null) token.attrSet('href', siteLink(from, href));
      }
    }
  });
}

/** `href` as it stands in `from`, a file of the repository, on the site. */
export function siteLink(from: string, href: string): string {
  if (/^([a-z]+:|#|\/)/.test(href)) return href;
  const [path = '', fragment] = href.split('#');
  const target = posix.join(posix.dirname(from), decodeURI(path));
  const file = [target, `${target}/README.md`].find(
    (candidate) => candidate.endsWith('.md') && existsSync(join(root, candidate)),
  );
  if (file === undefined) throw new Error(`${from} links to ${href}, which is no page of the site`);
  return `/${pageOf(file)}${fragment === undefined ? '' : `#${fragment}`}`;
}
