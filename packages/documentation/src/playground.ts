// What the playground shows of a file, made by @vgpu/format in the browser.
import {
  type Container,
  decodeHeader,
  detectFormat,
  FormatError,
  type FormatWarning,
  plain,
  readContainer,
  readContainerHeader,
  readNpy,
  type Scalar,
  type SlotState,
  valuesOf,
} from '@vgpu/format';

export interface Section {
  readonly title: string;
  readonly rows: readonly (readonly [name: string, value: string])[];
}

/** The upper left corner of an array, row by row. */
export interface Grid {
  readonly rows: readonly (readonly string[])[];
  readonly shape: string;
  readonly complete: boolean;
}

export interface Explanation {
  readonly sections: readonly Section[];
  readonly grid?: Grid;
  readonly warnings: readonly FormatWarning[];
  readonly error?: { readonly code: string; readonly message: string; readonly remedy: string | undefined };
}

/** Rows and columns that are shown of an array. */
const shownSide = 16;

/** All that can be read of a file's bytes, and the error that ended it. Never throws for what is in the file. */
export function explain(bytes: Uint8Array): Explanation {
  const sections: Section[] = [];
  try {
    const kind = detectFormat(bytes);
    const size: Section['rows'][number] = ['size', `${bytes.length} bytes`];
    sections.push({ title: 'File', rows: [['kind', kind], size] });
    if (kind === 'npy') return { sections, warnings: [], grid: explainNpy(bytes, sections) };
    if (kind === 'simple') return { sections: [...sections, simpleSection(bytes)], warnings: [] };

    const header = readContainerHeader(bytes);
    sections.push(...header.slots.map((state) => slotSection(state, header.active)));
    const container = readContainer(bytes);
    sections.push(arraySection(container), metadataSection(container));
    const values = valuesOf(container);
    // Those of the view, not those that are stored.
    const grid = corner(values.rows, values.columns, (row, column) => values.get(row, column));
    return { sections, warnings: container.warnings, grid };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const { code, message, remedy } = error;
    return { sections, warnings: [], error: { code, message, remedy } };
  }
}

function explainNpy(bytes: Uint8Array, sections: Section[]): Grid {
  const array = readNpy(bytes);
  const { dtype, shape, fortranOrder } = array;
  sections.push({
    title: 'NumPy array',
    rows: [
      ['dtype', dtype],
      ['shape', shape.join(' × ')],
      ['order', fortranOrder ? 'by columns' : 'by rows'],
    ],
  });
  // Of more than two dimensions the first plane; of one, a column.
  const [rows = 1, columns = 1] = shape.length > 2 ? shape.slice(-2) : shape;
  const leading = shape.slice(2).map(() => 0);
  return corner(rows, columns, (row, column) =>
    array.get(...[...leading, row, column].slice(0, shape.length)),
  );
}

function simpleSection(bytes: Uint8Array): Section {
  const { payloadOffset } = decodeHeader(bytes);
  return {
    title: 'Simple file',
    rows: [
      ['payload', extent({ offset: payloadOffset, length: bytes.length - payloadOffset })],
      ['dtype and shape', 'not in the file: its owner knows them'],
    ],
  };
}

function slotSection({ name, slot, problem }: SlotState, active: string): Section {
  const title = `Slot ${name}${name === active ? ' (active)' : ''}`;
  if (slot === undefined) return { title, rows: [['invalid', problem.message]] };
  const { generation, payload, metadata, hot } = slot;
  return {
    title,
    rows: [
      ['generation', String(generation)],
      ['payload', extent(payload)],
      ['metadata', extent(metadata)],
      ['hot region', hot.length === 0 ? 'none' : extent(hot)],
    ],
  };
}

function arraySection({ descriptor, payload }: Container): Section {
  const { structure, rows, columns, payloadUuid, view } = descriptor;
  return {
    title: 'Array',
    rows: [
      ['structure', structure],
      ['dtype', 'dtype' in descriptor ? descriptor.dtype : 'that of its blocks'],
      ['shape', `${rows} × ${columns}`],
      ['payload', extent(payload)],
      ['payload UUID', payloadUuid],
      ['view', describeView(view)],
    ],
  };
}

function describeView(view: Container['descriptor']['view']): string {
  const { transposed, conjugated, scalar } = view;
  const parts = [transposed && 'transposed', conjugated && 'conjugated'].filter(Boolean);
  if (scalar.re !== 1 || scalar.im !== 0) parts.push(`times ${text(scalar)}`);
  return parts.length === 0 ? 'as stored' : parts.join(', ');
}

function metadataSection({ metadata }: Container): Section {
  const rows = [...metadata].map(([key, value]): Section['rows'][number] => [
    key,
    JSON.stringify(plain(value), (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner)),
  ]);
  return { title: 'Metadata', rows };
}

function corner(rows: number, columns: number, get: (row: number, column: number) => Scalar): Grid {
  const shown = (count: number) => Array.from({ length: Math.min(count, shownSide) }, (_, index) => index);
  return {
    rows: shown(rows).map((row) => shown(columns).map((column) => text(get(row, column)))),
    shape: `${rows} × ${columns}`,
    complete: rows <= shownSide && columns <= shownSide,
  };
}

function extent({ offset, length }: { offset: number; length: number }): string {
  return `${length} bytes at ${offset}`;
}

function text(value: Scalar): string {
  if (typeof value !== 'object') return String(value);
  const { re, im } = value;
  return `${re} ${im < 0 || Object.is(im, -0) ? '−' : '+'} ${Math.abs(im)}i`;
}
