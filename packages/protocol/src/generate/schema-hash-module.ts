// generated/schema_hash.ts: the hash for those who want to shake hands without loading the table.
import { schemaHash } from '../schema-hash.js';
import { banner } from './c-text.js';

export function schemaHashModule(): string {
  const hex = Buffer.from(schemaHash()).toString('hex');
  return `${banner('The hash that both ends exchange.')}
export const schemaHashHex = '${hex}';
`;
}
