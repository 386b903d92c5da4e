// The file from its first byte to its last: what each range is for.
import { containerHeaderBytes, type Extent, simpleHeaderBytes, slotOffset } from '@vgpu/format';
import { formatCount } from '../output/bytes.js';
import type { Examination, SlotFinding } from './examine.js';

export interface Region {
  readonly kind: 'header' | 'slot' | 'payload' | 'metadata' | 'hot' | 'gap';
  readonly name: string;
  readonly offset: number;
  readonly length: number;
}

/** Everything in order of offset; ranges that nothing refers to are gaps. Damaged slots take part in nothing. */
export function regionsOf(found: Examination): Region[] {
  const parts = partsOf(found)
    .filter(({ length }) => length > 0)
    .map((part) => ({ ...part, length: Math.min(part.length, found.bytes - part.offset) }))
    .filter(({ length }) => length > 0)
    .sort((a, b) => a.offset - b.offset || a.length - b.length);
  const regions: Region[] = [];
  let end = 0;
  for (const part of parts) {
    if (part.offset > end) regions.push(gap(found, end, part.offset));
    const overlap = part.offset < end;
    regions.push(overlap ? { ...part, name: `${part.name}, overlaps the range before it` } : part);
    end = Math.max(end, part.offset + part.length);
  }
  if (end < found.bytes) regions.push(gap(found, end, found.bytes));
  return regions;
}

function partsOf(found: Examination): Region[] {
  switch (found.kind) {
    case 'unknown':
      return [];
    case 'npy':
    case 'simple': {
      const header = found.payload?.offset ?? (found.kind === 'simple' ? simpleHeaderBytes : 0);
      const name = found.kind === 'npy' ? '.npy header' : 'simple header';
      const parts: Region[] = [{ kind: 'header', name, offset: 0, length: header }];
      if (found.payload) parts.push({ kind: 'payload', name: 'payload', ...found.payload });
      return parts;
    }
    case 'container':
      return [
        { kind: 'header', name: 'preamble', offset: 0, length: slotOffset('A') },
        ...found.slots.map((slot) => slotRegion(slot)),
        ...extentsOf(found),
      ];
  }
}

function slotRegion({ name, generation, active, valid }: SlotFinding): Region {
  const state = active ? 'active' : valid ? 'older' : 'invalid';
  const offset = slotOffset(name);
  const length = offset === slotOffset('A') ? slotOffset('B') - offset : containerHeaderBytes - offset;
  const label = valid
    ? `slot ${name}: generation ${formatCount(generation)}, ${state}`
    : `slot ${name}: ${state}`;
  return { kind: 'slot', name: label, offset, length };
}

/** Payload, metadata and hot region of both slots; one that both share appears once. */
function extentsOf(found: Examination): Region[] {
  const parts = new Map<string, { region: Region; owners: string[] }>();
  for (const slot of found.slots.filter(({ valid }) => valid)) {
    for (const kind of ['payload', 'metadata', 'hot'] as const) {
      const { offset, length } = kind === 'payload' ? payloadOf(found, slot) : number(slot[kind]);
      const key = `${kind} ${offset}`;
      const known = parts.get(key);
      if (known) known.owners.push(slot.name);
      else parts.set(key, { region: { kind, name: kind, offset, length }, owners: [slot.name] });
    }
  }
  const active = found.slots.find((slot) => slot.active)?.name;
  return [...parts.values()].map(({ region, owners }) => {
    const what = region.kind === 'hot' ? 'hot region' : region.kind;
    const age = active !== undefined && !owners.includes(active) ? 'older ' : '';
    return { ...region, name: `${age}${what} of ${owners.length > 1 ? 'both slots' : `slot ${owners[0]}`}` };
  });
}

/** The declared length is only an upper bound, which may reach into the metadata. */
function payloadOf(
  { slots, description }: Examination,
  slot: SlotFinding,
): Pick<Extent, 'offset' | 'length'> {
  const { offset, length } = number(slot.payload);
  const active = slots.find((each) => each.active);
  if (description && active?.payload.offset === slot.payload.offset) return description.payload;
  const metadata = number(slot.metadata);
  return {
    offset,
    length: metadata.offset >= offset ? Math.min(length, metadata.offset - offset) : length,
  } as Extent;
}

/** Of valid slots only, whose numbers are below 2^53. */
function number({ offset, length }: { offset: bigint; length: bigint }): Pick<Extent, 'offset' | 'length'> {
  return { offset: Number(offset), length: Number(length) } as Extent;
}

/** Gaps larger than twice this are looked at at both ends only. */
const probeBytes = 64 * 1024;

function gap({ read }: Examination, offset: number, end: number): Region {
  const length = end - offset;
  const whole = length <= 2 * probeBytes;
  const looked = whole
    ? [read(offset, length)]
    : [read(offset, probeBytes), read(end - probeBytes, probeBytes)];
  const zero = looked.every((bytes) =>
    Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).equals(Buffer.alloc(bytes.length)),
  );
  const content = zero ? (whole ? 'zero' : 'zero at both ends') : 'not zero';
  return { kind: 'gap', name: `${zero ? 'unused' : 'unreferenced bytes'}, ${content}`, offset, length };
}
