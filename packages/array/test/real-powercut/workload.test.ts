import { describe, expect, it } from 'vitest';
import { acknowledgementBytes, decodeAcknowledgement, encodeAcknowledgement } from './acknowledgement.js';
import { planOf, rowVersion, statesAfter, steps } from './workload.js';

describe('acknowledgements', () => {
  it('come back as they were written', () => {
    const sector = new Uint8Array(acknowledgementBytes);
    encodeAcknowledgement(74, sector);
    expect(decodeAcknowledgement(sector)).toBe(74);
  });

  it('are not seen in anything else', () => {
    const sector = new Uint8Array(acknowledgementBytes);
    expect(decodeAcknowledgement(sector)).toBeUndefined();
    encodeAcknowledgement(74, sector);
    for (let at = 0; at < 16; at += 1) {
      const damaged = Uint8Array.from(sector);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(decodeAcknowledgement(damaged)).toBeUndefined();
    }
    expect(decodeAcknowledgement(sector.subarray(1))).toBeUndefined();
  });
});

describe('the workload', () => {
  it('raises the version of one file at a time', () => {
    for (let count = 0; count < steps.length; count += 1) {
      const [before, after] = [statesAfter(count), statesAfter(count + 1)];
      const changed = [...after].filter(([file, state]) => {
        const old = before.get(file);
        return old?.version !== state.version || old.updating !== state.updating;
      });
      expect(changed.map(([file]) => file)).toEqual([steps[count]?.file]);
    }
  });

  it('says which version a row is from', () => {
    const sparse = planOf('sparse.pycauset');
    // By doing the updates one after the other.
    const rows = Array.from({ length: 30 }, () => 0);
    for (let version = 0; version <= 40; version += 1) {
      rows.forEach((_, row) => {
        if (version % 7 === row % 7) rows[row] = version;
      });
      expect(rows.map((_, row) => rowVersion(sparse, row, version))).toEqual(rows);
    }
    expect(rowVersion(planOf('atomic.pycauset'), 3, 9)).toBe(9);
  });
});
