// What has become of each boot, kept until it is booted again: one file each below build/boot/results.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Report, reportSchema } from './machine.js';
import type { Scenario } from './scenarios.js';

const folder = join(import.meta.dirname, '../../build/boot/results');

const fileOf = ({ name }: Scenario) => join(folder, `${name.replaceAll(/\W+/g, '-')}.json`);

export function keepReport(scenario: Scenario, report: Report): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(fileOf(scenario), `${JSON.stringify(report, undefined, 2)}\n`);
}

/** So that a machine that comes to no end has no row with what it did before. */
export function forgetReport(scenario: Scenario): void {
  rmSync(fileOf(scenario), { force: true });
}

export function keptReport(scenario: Scenario): Report | undefined {
  const file = fileOf(scenario);
  return existsSync(file) ? reportSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
}
