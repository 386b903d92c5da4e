// What to say when none of the files would do.
import { installedElsewhere, prebuilt } from './candidates.js';
import { describeHost, type Host, isOlder } from './host.js';
import type { NativePart, Problem } from './native-part.js';

/** A file that was tried. */
export interface Failure {
  readonly label: string;
  readonly why: string;
  readonly kind: 'not-installed' | 'wrong-version' | 'failed';
  readonly cause?: unknown;
}

export function diagnose(part: NativePart, host: Host, failures: readonly Failure[]): Problem {
  const tried = failures.map(({ label, why }) => `  ${label}: ${why}${glibcNeeded(why, host)}`);
  return {
    message: [`no native part of ${part.package} works on ${describeHost(host)}:`, ...tried].join('\n'),
    remedy: remedy(part, host, failures),
    causes: failures.flatMap(({ cause }) => (cause === undefined ? [] : [cause])),
  };
}

const BUILD = 'build it from a checkout of the sources (pnpm build)';

function remedy(part: NativePart, host: Host, failures: readonly Failure[]): string {
  const { versions, platforms } = prebuilt(part);
  const platform = `${host.platform}-${host.arch}`;
  const name = `${part.package}-${platform}`;
  const [first] = failures;
  if (part.variable && process.env[part.variable]) {
    return `Set ${part.variable} to the path of a ${part.file.split('/').at(-1)} that works here, or unset it.`;
  }
  if (platforms.length === 0) return 'Build it: pnpm build.';
  if (!platforms.includes(platform))
    return `It exists for ${platforms.join(', ')}: use one of these, or ${BUILD}.`;
  if (host.platform === 'linux' && host.glibc === undefined) {
    return `It needs glibc: use an image such as node:${host.node.split('.')[0]}-slim in the place of -alpine, or ${BUILD}.`;
  }
  const install = `npm install --save-optional ${name}@${versions[name]}`;
  if (first?.kind === 'not-installed') {
    const others = installedElsewhere(part, platform);
    return others.length > 0
      ? `node_modules is of another machine (${others.join(', ')}): remove it and install here, or run: ${install}`
      : `Install again with optional dependencies (npm install --include=optional), or run: ${install}`;
  }
  if (first?.kind === 'wrong-version') return `Let one version of each stay: ${install}`;
  const needed = newestGlibc(first?.why ?? '');
  if (needed !== undefined && host.glibc !== undefined && isOlder(host.glibc, needed)) {
    return `Use a system with glibc ${needed} or newer, or ${BUILD}.`;
  }
  return `Install it again: ${install}`;
}

function glibcNeeded(why: string, host: Host): string {
  const needed = newestGlibc(why);
  return needed === undefined ? '' : ` (glibc ${host.glibc ?? 'none'} found, ${needed} needed)`;
}

/** As the loader of glibc says it: version `GLIBC_2.38' not found. */
function newestGlibc(text: string): string | undefined {
  const versions = [...text.matchAll(/GLIBC_(\d+\.\d+)/g)].map((match) => match[1] ?? '');
  return versions.sort((a, b) => (isOlder(a, b) ? -1 : 1)).at(-1);
}
