// What earlier runs found out, by sample.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Row } from './table.js';

const rows = z.array(
  z.object({
    group: z.string(),
    name: z.string(),
    builds: z.boolean(),
    runs: z.boolean(),
    verifies: z.boolean(),
    because: z.string(),
  }),
);

const file = (output: string): string => join(output, 'results.json');

export function readResults(output: string): Map<string, Row> {
  if (!existsSync(file(output))) return new Map();
  return new Map(rows.parse(JSON.parse(readFileSync(file(output), 'utf8'))).map((row) => [row.name, row]));
}

/** Whole or not at all. */
export function writeResults(output: string, results: ReadonlyMap<string, Row>): void {
  const temporary = `${file(output)}.${process.pid}`;
  writeFileSync(temporary, JSON.stringify([...results.values()], undefined, 2));
  renameSync(temporary, file(output));
}
