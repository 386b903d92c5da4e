/** The machine, as far as it decides what can be loaded. */
export interface Host {
  readonly platform: string;
  readonly arch: string;
  /** The version of glibc; undefined where the C library is another one. */
  readonly glibc: string | undefined;
  readonly node: string;
}

/** Takes some 10 ms: only for messages. */
export function thisHost(): Host {
  return {
    platform: process.platform,
    arch: process.arch,
    glibc: glibcVersion(),
    node: process.versions.node,
  };
}

/** linux-x64 with glibc 2.36, Node 20.20.2. */
export function describeHost(host: Host): string {
  const library = host.platform !== 'linux' ? '' : ` with ${host.glibc ? `glibc ${host.glibc}` : 'musl'}`;
  return `${host.platform}-${host.arch}${library}, Node ${host.node}`;
}

/** Whether version `a` is older than version `b`, both like 2.36. */
export function isOlder(a: string, b: string): boolean {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA < majorB || (majorA === majorB && minorA < minorB);
}

function glibcVersion(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  // Else the report has the names of this process's peers, which may take long to find. @types/node lacks it.
  Object.assign(process.report, { excludeNetwork: true });
  // The only way to it without a program of its own; musl has no such field.
  const report = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return report.header.glibcVersionRuntime;
}
