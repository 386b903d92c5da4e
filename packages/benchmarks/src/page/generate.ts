// docs/reference/measured.md and its charts, from the run that is kept.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { benchmarkDocument } from '../document.js';
import { pageOf } from './page.js';

const docs = join(import.meta.dirname, '../../../../docs');
const kept = join(import.meta.dirname, '../../measured.json');

const run = existsSync(kept) ? benchmarkDocument.parse(JSON.parse(readFileSync(kept, 'utf8'))) : undefined;
const { markdown, charts } = pageOf(run);
writeFileSync(join(docs, 'reference/measured.md'), markdown);
for (const name of readdirSync(join(docs, 'images')))
  if (name.startsWith('measured-') && !charts.has(name)) rmSync(join(docs, 'images', name));
for (const [name, chart] of charts) writeFileSync(join(docs, 'images', name), chart);
