// Whether a boot has become what it should, and the table of all of them.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from './machine.js';
import { keptReport } from './results.js';
import { plain, plainAgain, type Scenario, scenarios } from './scenarios.js';

const PAGE = join(import.meta.dirname, '../../../../docs/safety.md');
const MARK = /(<!-- boots: [^>]*-->\n)[\s\S]*?(<!-- \/boots -->)/;
const ENTRY = '/usr/lib/vgpu-shim/current/libvgpu_cuda.so';
/** A boot that took so much longer than the plain one waited for something. */
const LONGER_SECONDS = 5;
/** What each start of a program with early initialisation may take at most: its deadline, 1 s, and 50 ms. */
const EARLY_MS = 1050;

/** Empty, or what is not as in the boot that it is compared with. */
export function complaintsAbout(scenario: Scenario, report: Report): string[] {
  const reference = keptReport(referenceOf(scenario)) ?? report;
  const seconds = (report.login - reference.login) / 1e6;
  const expectedEntry = scenario.installed === true ? ENTRY : '';
  const findings: [boolean, string][] = [
    [report.targets !== reference.targets, `targets are ${report.targets}, not ${reference.targets}`],
    [report.failed !== reference.failed, `failed units are ${report.failed}, not ${reference.failed}`],
    [!report.ssh.endsWith('in as tester'), `ssh: ${report.ssh}`],
    [!report.sudo.endsWith('root'), `sudo: ${report.sudo}`],
    [!isAsFound(scenario, report), `a CUDA program should find ${scenario.found}: ${report.cuda}`],
    [report.preload !== expectedEntry, `/etc/ld.so.preload has ${report.preload}`],
    [scenario.cut !== undefined && report.guard !== '', `the switch has not undone ${report.installed}`],
    [scenario.work === 'upgrade' && report.work?.endsWith('done') !== true, `the guest says: ${report.work}`],
    [
      Math.max(...startsOf(report)) > EARLY_MS,
      `five programs that look at their start have started after ${report.early} µs`,
    ],
    [seconds > LONGER_SECONDS, `its login prompt came ${seconds.toFixed(1)} s later`],
  ];
  return findings.filter(([isSo]) => isSo).map(([, complaint]) => complaint);
}

function referenceOf({ like = plain.name }: Scenario): Scenario {
  return scenarios.find(({ name }) => name === like) ?? plain;
}

function isAsFound({ found }: Scenario, { cuda, computed }: Report): boolean {
  if (found === 'a device') return computed === 0;
  return computed !== 0 && cuda.includes(found === 'no device' ? 'cuInit gives 100' : 'libcuda.so.1');
}

/** Of every boot of which there is a report. */
export function tableOfBoots(): string {
  const rows = scenarios.filter((scenario) => !plainAgain.includes(scenario)).flatMap(rowOf);
  const head = [
    ...['boot', 'login prompt after', 'targets, failed units, ssh, sudo', 'a CUDA program finds'],
    'one that looks at its start has started after',
  ];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function rowOf(scenario: Scenario): string[][] {
  if (scenario === plain) return plainRow();
  const report = keptReport(scenario);
  if (!report) return [];
  const complaints = complaintsAbout(scenario, report);
  const isReference = referenceOf(scenario) === scenario;
  const verdict = isReference ? 'what the next is compared with' : 'as without it';
  return [
    [
      scenario.name,
      `${loginSeconds(report)} s`,
      complaints.length === 0 ? verdict : `**${complaints.join('; ')}**`,
      scenario.found,
      medianStart([report]),
    ],
  ];
}

function plainRow(): string[][] {
  const reports = [plain, ...plainAgain].map(keptReport).filter((report) => report !== undefined);
  const times = reports.map(({ login }) => login).sort((a, b) => a - b);
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return [];
  const spread = `${(first / 1e6).toFixed(2)} to ${(last / 1e6).toFixed(2)} s in ${times.length} boots`;
  return [
    ['without the library', spread, 'what the others are compared with', plain.found, medianStart(reports)],
  ];
}

const loginSeconds = ({ login }: Report) => (login / 1e6).toFixed(2);
/** In milliseconds. */
const startsOf = ({ early }: Report) => early.split(' ').map((time) => Number(time) / 1e3);

function medianStart(reports: readonly Report[]): string {
  const times = reports.flatMap(startsOf).sort((a, b) => a - b);
  return `${times[times.length >> 1]?.toFixed(0)} ms`;
}

export function writeTable(): void {
  const page = readFileSync(PAGE, 'utf8');
  if (!MARK.test(page)) throw new Error(`${PAGE} has no place for the table of boots`);
  writeFileSync(
    PAGE,
    page.replace(MARK, (_, begin: string, end: string) => `${begin}\n${tableOfBoots()}\n\n${end}`),
  );
}
