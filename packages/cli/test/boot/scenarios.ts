// What is wrong in each boot, and what a CUDA program must find.

export type Found = 'a device' | 'no device' | 'no library';

export interface Scenario {
  readonly name: string;
  /** Whether the library is in it; a number: its installation was killed in front of that change, from the end. */
  readonly installed: boolean | number;
  /** Who listens: the real executor, it stopped by SIGSTOP, or guest/peer.pl in one of its kinds; nobody where there is none. */
  readonly executor?: string;
  /** What init does before systemd starts. */
  readonly script?: string;
  /** What the guest does once it is up, with the CLI in it: a file of that name in guest. */
  readonly work?: 'upgrade' | 'install' | 'changes';
  /** The power goes so many seconds after the beginning of that step of guest/install.sh; then it boots once more. */
  readonly cut?: { readonly step: number; readonly seconds: number };
  readonly found: Found;
  /** The boot that it is compared with, where that is not the plain one. */
  readonly like?: string;
  readonly short?: boolean;
}

const library = '/usr/lib/vgpu-shim/current/libvgpu_cuda.so';
const configuration = '/etc/vgpu/shim.conf';
const fillDisk =
  'dd if=/dev/zero of=/fill bs=1M 2> /dev/null; dd if=/dev/zero of=/fill-more bs=512 2> /dev/null';

const noDevice = (name: string, script: string): Scenario => ({
  name,
  installed: true,
  executor: 'executor',
  script,
  found: 'no device',
});

const noLibrary = (name: string, script: string): Scenario => ({
  name,
  installed: true,
  executor: 'executor',
  script,
  found: 'no library',
});

// Seconds of the guest's clock, any that lie within what the step takes.
const powerCuts = [
  { step: 1, seconds: 0.05 },
  { step: 2, seconds: 0.4 },
  { step: 3, seconds: 0.02 },
  { step: 4, seconds: 0.1 },
  { step: 5, seconds: 0.01 },
  { step: 6, seconds: 0.02 },
  { step: 7, seconds: 0.03 },
].map(
  (cut): Scenario => ({
    name: `power cut ${cut.seconds} s after the beginning of step ${cut.step} of an installation`,
    installed: false,
    work: 'install',
    cut,
    found: 'no library',
    short: cut.step === 6,
  }),
);

export const plain: Scenario = { name: 'plain', installed: false, found: 'no library', short: true };
/** The same again: how far boots differ from each other. */
export const plainAgain: readonly Scenario[] = [2, 3, 4, 5].map((number) => ({
  name: `plain, ${number}`,
  installed: false,
  found: 'no library',
}));

export const scenarios: readonly Scenario[] = [
  plain,
  ...plainAgain,
  { name: 'healthy', installed: true, executor: 'executor', found: 'a device', short: true },
  { name: 'absent', installed: true, found: 'no device' },
  { name: 'refusing', installed: true, executor: 'refusing', found: 'no device' },
  { name: 'closing', installed: true, executor: 'closing', found: 'no device' },
  { name: 'silent', installed: true, executor: 'silent', found: 'no device', short: true },
  { name: 'slow', installed: true, executor: 'slow', found: 'no device' },
  { name: 'garbage', installed: true, executor: 'garbage', found: 'no device', short: true },
  { name: 'dying', installed: true, executor: 'dying', found: 'no device' },
  { name: 'stopped', installed: true, executor: 'stopped', found: 'no device' },
  noDevice('broken configuration', `echo '][ nonsense' > ${configuration}`),
  noDevice('huge configuration', `yes 'log = journal' | head -c 1000000 > ${configuration}`),
  noDevice('configuration a folder', `rm ${configuration}; mkdir ${configuration}`),
  noDevice('configuration unreadable', `chmod 000 ${configuration}`),
  noLibrary('library truncated', `head -c 5000 ${library} > /tmp/cut; cat /tmp/cut > ${library}`),
  noLibrary(
    'library of another processor',
    `printf '\\267' | dd of=${library} bs=1 seek=18 conv=notrunc 2> /dev/null`,
  ),
  noLibrary('library missing', `rm ${library}`),
  {
    name: 'full disk, plain',
    installed: false,
    script: fillDisk,
    found: 'no library',
    like: 'full disk, plain',
  },
  {
    name: 'full disk',
    installed: true,
    executor: 'executor',
    script: fillDisk,
    found: 'a device',
    like: 'full disk, plain',
  },
  {
    name: 'another version installed while it runs',
    installed: true,
    executor: 'executor',
    work: 'upgrade',
    found: 'a device',
  },
  ...powerCuts,
  ...[2, 6, 10, 14, 18, 22, 26, 30, 34, 38].map(
    (changes): Scenario => ({
      name: `installation killed, ${changes} changes before its end`,
      installed: changes,
      found: 'no library',
    }),
  ),
];
