// pnpm test:boot: see README.md.
import { parseArgs } from 'node:util';
import { table } from '../../src/output/table.js';
import { prepareImage } from './image.js';
import { makeLayer } from './layer.js';
import { boot, type Report } from './machine.js';
import { plain, type Scenario, scenarios } from './scenarios.js';

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
  },
});

const ENTRY = '/usr/lib/vgpu-shim/current/libvgpu_cuda.so';
/** A boot that took so much longer than the plain one waited for something. */
const LONGER_SECONDS = 60;

function isAsFound({ found }: Scenario, { cuda, computed }: Report): boolean {
  if (found === 'a device') return computed === 0;
  return computed !== 0 && cuda.includes(found === 'no device' ? 'cuInit gives 100' : 'libcuda.so.1');
}

function complaintsAbout(scenario: Scenario, report: Report, reference: Report): string[] {
  const seconds = (report.ready - reference.ready) / 1e6;
  const expectedEntry = scenario.installed === true ? ENTRY : '';
  const findings: [boolean, string][] = [
    [report.targets !== reference.targets, `targets are ${report.targets}, not ${reference.targets}`],
    [report.failed !== reference.failed, `failed units are ${report.failed}, not ${reference.failed}`],
    [!report.ssh.endsWith('in as tester'), `ssh: ${report.ssh}`],
    [!report.sudo.endsWith('root'), `sudo: ${report.sudo}`],
    [!isAsFound(scenario, report), `a CUDA program should find ${scenario.found}: ${report.cuda}`],
    [report.preload !== expectedEntry, `/etc/ld.so.preload has ${report.preload}`],
    [seconds > LONGER_SECONDS, `ready ${seconds.toFixed(0)} s later than without the library`],
  ];
  return findings.filter(([isSo]) => isSo).map(([, complaint]) => complaint);
}

function chosen(): readonly Scenario[] {
  const { only, short } = options;
  if (only.length === 0) return scenarios.filter((scenario) => !short || scenario.short);
  const named = scenarios.filter(({ name }) => only.some((part) => name.includes(part)));
  const references = named.flatMap(({ like = plain.name }) => scenarios.filter(({ name }) => name === like));
  return [...new Set([...references, ...named])];
}

const image = prepareImage();
const reports = new Map<string, Report>();
const rows: string[][] = [];
let failures = 0;
for (const scenario of chosen()) {
  const layer = makeLayer(image, scenario);
  const report = await boot(image, layer.path).finally(layer.remove);
  reports.set(scenario.name, report);
  const reference = reports.get(scenario.like ?? plain.name) ?? report;
  // A boot that is a reference has only itself to be like.
  const complaints = complaintsAbout(scenario, report, reference);
  if (complaints.length > 0) failures += 1;
  process.stderr.write(`${complaints.length === 0 ? 'ok' : 'FAILED'}  ${scenario.name}\n`);
  for (const complaint of complaints) process.stderr.write(`        ${complaint}\n`);
  rows.push([
    scenario.name,
    (report.ready / 1e6).toFixed(1),
    String(report.failed.split(' ').filter(Boolean).length),
    scenario.found,
    complaints.length === 0 ? 'ok' : 'FAILED',
  ]);
}
process.stdout.write(
  `${table(['boot', 'seconds until ready', 'failed units', 'a CUDA program finds', ''], rows).join('\n')}\n`,
);
process.exitCode = failures === 0 ? 0 : 1;
