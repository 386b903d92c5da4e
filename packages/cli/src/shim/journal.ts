// What an installation is about to change, line by line, each flushed before the change is made. The recovery program
// (packages/preload-shim/native/recovery) undoes by it, so the format is words between tabs: CRC-32 of the rest in
// hexadecimal digits, the kind, its values.
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import { CliError } from '../errors.js';
import { processStartOf } from '../executor/state.js';
import { flushFolder } from './durable.js';
import { STATE } from './layout.js';
import type { SystemRoot } from './root.js';

const path = z.string().regex(/^\/[^\t\n]*$/);
const word = z.string().regex(/^[^\t\n]+$/);
const checksum = z.string().regex(/^[0-9a-f]{8}$/);
const number = z.string().regex(/^\d+$/).transform(Number);

const recordSchema = z.union([
  /** Format, process, its start, boot: whose installation this is. */
  z.tuple([z.literal('begin'), z.literal('1'), number, word, word]),
  /** What it installs: version and scope. */
  z.tuple([z.literal('plan'), word, word]),
  /** A file, link or folder that was not there; perhaps it is a list of libraries, and this is our entry. */
  z.tuple([z.literal('create'), path]),
  z.tuple([z.literal('create'), path, z.literal(''), word]),
  /** With the CRC-32 of what is written: what others write there since is kept. */
  z.tuple([z.literal('create'), path, z.literal(''), z.literal(''), checksum]),
  /** A file or link of which there is a copy with that number, or again a list. */
  z.tuple([z.literal('replace'), path, number]),
  z.tuple([z.literal('replace'), path, number, word]),
  z.tuple([z.literal('replace'), path, number, z.literal(''), checksum]),
  /** A folder that is made, and goes, with all its content. */
  z.tuple([z.literal('tree'), path]),
  /** To be done again when the files are as before. */
  z.tuple([z.literal('ldconfig')]),
  z.tuple([z.literal('reload')]),
  z.tuple([z.literal('service'), word]),
  /** Seconds in which the installation must be confirmed. */
  z.tuple([z.literal('deadline'), number]),
  z.tuple([z.literal('installed')]),
  z.tuple([z.literal('confirmed')]),
  /** By the dead-man's switch; or because somebody has asked for it, whether it was confirmed before or not. */
  z.tuple([z.literal('undoing')]),
  z.tuple([z.literal('undoing'), z.literal('asked')]),
]);
export type JournalRecord = z.input<typeof recordSchema>;
type ReadRecord = z.output<typeof recordSchema>;

export type TransactionState = 'interrupted' | 'installing' | 'unconfirmed' | 'confirmed' | 'undoing';

export interface Transaction {
  readonly number: number;
  readonly records: readonly ReadRecord[];
  readonly state: TransactionState;
}

const folderOf = (transaction: number) => `${STATE}/${transaction}`;
const journalOf = (transaction: number) => `${folderOf(transaction)}/journal`;

function line(record: JournalRecord): string {
  // A value with a tab or newline would be read as something else.
  const content = z.parse(recordSchema, record.map(String)).join('\t');
  return `${checksumOf(content)}\t${content}\n`;
}

/** In the eight digits of the journal. */
export const checksumOf = (text: string) => crc32(text).toString(16).padStart(8, '0');

export class Journal {
  readonly transaction: number;
  readonly #file: number;
  #bytes = 0;
  #copies = 0;

  /** Begins an installation. Of two at a time one fails with EEXIST. */
  constructor(root: SystemRoot, transaction: number) {
    this.transaction = transaction;
    mkdirSync(root.at(STATE), { recursive: true, mode: 0o755 });
    flushFolder(dirname(root.at(STATE)));
    mkdirSync(root.at(folderOf(transaction)), { mode: 0o755 });
    flushFolder(root.at(STATE));
    this.#file = openSync(root.at(journalOf(transaction)), 'ax', 0o644);
    flushFolder(root.at(folderOf(transaction)));
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    this.append(['begin', '1', String(process.pid), processStartOf(process.pid) ?? '0', boot]);
  }

  /** @throws CliError ERR_VGPU_SHIM_UNDONE where the dead-man's switch, or somebody, is undoing meanwhile */
  append(record: JournalRecord): void {
    const { size, nlink } = fstatSync(this.#file);
    if (size !== this.#bytes || nlink === 0) {
      throw new CliError('ERR_VGPU_SHIM_UNDONE', 'somebody else has begun to undo this installation');
    }
    const text = line(record);
    // All of it, or an error: what no whole line announces cannot be undone.
    writeFileSync(this.#file, text);
    fsyncSync(this.#file);
    this.#bytes += Buffer.byteLength(text);
  }

  /** The number and name of a copy that is still to be made. */
  nextCopy(root: SystemRoot): { number: number; path: string } {
    this.#copies += 1;
    return { number: this.#copies, path: root.at(`${folderOf(this.transaction)}/${this.#copies}`) };
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** All installations that can be undone, the first one first. */
export function readTransactions(root: SystemRoot): Transaction[] {
  if (!existsSync(root.at(STATE))) return [];
  return readdirSync(root.at(STATE))
    .filter((name) => /^[1-9]\d{0,8}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
    .map((number) => readTransaction(root, number));
}

function readTransaction(root: SystemRoot, number: number): Transaction {
  const file = root.at(journalOf(number));
  // Nothing has been changed before the journal was there.
  const records = statSync(file, { throwIfNoEntry: false }) ? parse(file, readFileSync(file, 'utf8')) : [];
  return { number, records, state: stateOf(records) };
}

/** Up to the first line that is not whole: there a crash or a power cut has ended it. */
function parse(file: string, text: string): ReadRecord[] {
  const records: ReadRecord[] = [];
  for (const whole of text.split('\n').slice(0, -1)) {
    const [, digits, content = ''] = /^([0-9a-f]{8})\t(.*)$/.exec(whole) ?? [];
    if (digits === undefined || Number.parseInt(digits, 16) !== crc32(content)) break;
    const record = recordSchema.safeParse(content.split('\t'));
    if (!record.success) {
      throw new CliError(
        'ERR_VGPU_SHIM_JOURNAL',
        `${file} says what this version of vgpu does not know: ${content}`,
        {
          cause: record.error,
          remedy: 'undo with the vgpu-shim-recover that was installed along with it',
        },
      );
    }
    records.push(record.data);
  }
  return records;
}

function stateOf(records: readonly ReadRecord[]): TransactionState {
  if (records.some(([kind, word]) => kind === 'undoing' && word === 'asked')) return 'undoing';
  const kinds = records.map(([kind]) => kind);
  // The dead-man's switch may have been too late.
  const first = kinds.find((kind) => kind === 'undoing' || kind === 'confirmed');
  if (first === 'undoing' || first === 'confirmed') return first;
  if (kinds.includes('installed')) return 'unconfirmed';
  const begin = records.find((record) => record[0] === 'begin');
  const lives = begin?.[0] === 'begin' && processStartOf(begin[2]) === begin[3];
  return lives ? 'installing' : 'interrupted';
}

/** Makes no new one where it has just been undone. */
function openToAppend(path: string): number {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_APPEND);
  } catch (cause) {
    throw new CliError('ERR_VGPU_SHIM_UNDONE', 'too late: the installation has been undone', { cause });
  }
}

/**
 * Writes that an installation is to stay.
 * @throws CliError ERR_VGPU_SHIM_UNDONE when it comes too late
 */
export function appendConfirmation(root: SystemRoot, { number }: Transaction): void {
  const file = openToAppend(root.at(journalOf(number)));
  try {
    writeFileSync(file, line(['confirmed']));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  // Whose line comes first has won.
  const kinds = readTransaction(root, number).records.map(([kind]) => kind);
  const undoing = kinds.indexOf('undoing');
  if (kinds.includes('confirmed') && (undoing < 0 || kinds.indexOf('confirmed') < undoing)) return;
  throw new CliError('ERR_VGPU_SHIM_UNDONE', 'too late: the installation is being undone');
}
