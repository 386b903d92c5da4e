// The headers and libraries of an older Debian, for programs that run on older systems too. apt fetches and verifies them
// into a folder of their own; the machine's own packages stay as they are.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { output } from './commands.js';
import { root } from './workspace.js';

/** Debian 11, with glibc 2.31; what is newer than 2.28 in it the packer refuses. */
const RELEASE = 'bullseye';
// libgcc-s1: the compiler's own asks for a newer glibc, which the linker notices for programs.
const PACKAGES = ['libc6', 'libc6-dev', 'libgcc-s1', 'linux-libc-dev', 'libzstd-dev', 'liblz4-dev'];
const architectures = { x64: 'amd64', arm64: 'arm64' };

export type Architecture = keyof typeof architectures;

/** Makes it the first time, which takes a minute. */
export function sysroot(architecture: Architecture): string {
  const folder = join(root, 'packages/release/build/sysroot', `${RELEASE}-${architecture}`);
  if (existsSync(folder)) return folder;
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const apt = prepareApt(`${folder}.apt`, architectures[architecture]);
  process.stderr.write(`vgpu: fetching headers and libraries of Debian ${RELEASE} for ${architecture}\n`);
  output('apt-get', [...apt, 'update']);
  output('apt-get', [...apt, 'download', ...PACKAGES], { cwd: `${folder}.apt` });
  for (const name of readdirSync(`${folder}.apt`).filter((file) => file.endsWith('.deb'))) {
    output('dpkg-deb', ['--extract', join(`${folder}.apt`, name), partial]);
  }
  keepInside(partial, partial);
  // Headers alone, and for these processors: this machine's, which are the ones that the tests ran with.
  if (architecture === 'x64') symlinkSync('/usr/include/xbyak', join(partial, 'usr/include/xbyak'));
  rmSync(`${folder}.apt`, { recursive: true });
  renameSync(partial, folder);
  return folder;
}

/** Options for an apt that knows nothing of this machine but whom it trusts. */
function prepareApt(folder: string, architecture: string): string[] {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'lists/partial'), { recursive: true });
  mkdirSync(join(folder, 'cache/archives/partial'), { recursive: true });
  writeFileSync(join(folder, 'status'), '');
  const keys = '/usr/share/keyrings/debian-archive-keyring.gpg';
  writeFileSync(
    join(folder, 'sources.list'),
    `deb [signed-by=${keys}] http://deb.debian.org/debian ${RELEASE} main\n`,
  );
  const settings = {
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Etc::Preferences': '/dev/null',
    'Dir::Etc::PreferencesParts': '/dev/null',
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State': folder,
    'Dir::State::Lists': join(folder, 'lists'),
    'Dir::State::status': join(folder, 'status'),
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
}

/** Links must not lead out of it. And of compression the static libraries alone stay, which no user has to install. */
function keepInside(folder: string, top: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const status = lstatSync(path);
    if (status.isDirectory()) {
      keepInside(path, top);
    } else if (/^lib(zstd|lz4)\.so/.test(name)) {
      rmSync(path);
    } else if (status.isSymbolicLink() && readlinkSync(path).startsWith('/')) {
      const target = join(top, readlinkSync(path));
      rmSync(path);
      symlinkSync(relative(dirname(path), target), path);
    }
  }
}
