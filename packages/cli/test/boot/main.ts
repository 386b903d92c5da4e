// pnpm test:boot: see README.md.
import { parseArgs } from 'node:util';
import { prepareImage } from './image.js';
import { makeLayer } from './layer.js';
import { boot, bootAfterPowerCut } from './machine.js';
import { cutAtEachChange } from './power-cuts.js';
import { forgetReport, keepReport, keptReport } from './results.js';
import { plain, type Scenario, scenarios } from './scenarios.js';
import { complaintsAbout, tableOfBoots, writeTable } from './verdict.js';

const { values: options } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    /** Writes what is known of all boots into docs/safety.md. */
    document: { type: 'boolean', default: false },
    /** No scenario, but an installation: a power cut in front of each of its changes. */
    'each-change': { type: 'boolean', default: false },
  },
});

/** Those that were asked for, behind those that they are compared with and that were not booted yet. */
function chosen(): readonly Scenario[] {
  const { only, short } = options;
  if (only.length === 0) return scenarios.filter((scenario) => !short || scenario.short);
  const named = scenarios.filter(({ name }) => only.some((part) => name.includes(part)));
  const references = named
    .flatMap(({ like = plain.name }) => scenarios.filter(({ name }) => name === like))
    .filter((reference) => keptReport(reference) === undefined);
  return [...new Set([...references, ...named])];
}

if (options['each-change']) {
  const { changes, complaints } = await cutAtEachChange(prepareImage());
  for (const complaint of complaints) process.stderr.write(`FAILED  ${complaint}\n`);
  process.stdout.write(`${changes} changes, a power cut in front of each: ${complaints.length} not undone\n`);
  process.exit(complaints.length === 0 ? 0 : 1);
}

const image = prepareImage();
let failures = 0;
for (const scenario of chosen()) {
  forgetReport(scenario);
  const layer = makeLayer(image, scenario);
  const complaints = await (scenario.cut ? bootAfterPowerCut : boot)(image, layer.path)
    .then((report) => {
      keepReport(scenario, report);
      return complaintsAbout(scenario, report);
    })
    .catch((error: unknown) => [error instanceof Error ? error.message : String(error)])
    .finally(layer.remove);
  if (complaints.length > 0) failures += 1;
  if (complaints.length === 0) process.stderr.write(`ok  ${scenario.name}\n`);
  for (const complaint of complaints) process.stderr.write(`FAILED  ${scenario.name}: ${complaint}\n`);
}
process.stdout.write(`${tableOfBoots()}\n`);
if (options.document) writeTable();
process.exitCode = failures === 0 ? 0 : 1;
