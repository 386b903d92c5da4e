// @ts-check
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The workspace's root folder. */
export const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
