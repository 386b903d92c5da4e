#!/usr/bin/env node
// @ts-check
// headers-last FILE: see src/headers-last.mjs.
import { readFileSync, writeFileSync } from 'node:fs';
import { headersLast } from '../src/headers-last.mjs';

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('headers-last FILE');
writeFileSync(file, headersLast(readFileSync(file)));
