import { describe, expect, it } from 'vitest';
import { benchmarkDocument } from '../src/document.js';
import { chartOf, numberText } from '../src/page/chart.js';
import { pageOf } from '../src/page/page.js';

const run = benchmarkDocument.parse({
  schemaVersion: 1,
  command: 'bench',
  ok: false,
  startedAt: '2026-01-02T03:04:05.000Z',
  machine: {
    ...{ processor: 'A | B', logicalProcessors: 2, memoryBytes: 8 * 2 ** 30, system: 'Debian' },
    ...{ kernel: '6.1', architecture: 'x64', node: '22.1.0', load: 0.25 },
  },
  benchmarks: [
    {
      ...{ name: 'one two', command: '(cd x && y)', seconds: 12.3 },
      quantities: [
        { what: 'sort<T>', beside: 'C++', value: 10, unit: '×', goal: { most: 4 }, met: false },
        { what: 'a | b', value: 0.1, unit: '×' },
        { what: 'call', value: 1234.5, unit: 'ns', goal: { most: 2000 }, met: true },
      ],
    },
    { name: 'broken', command: 'z', seconds: 0, error: 'no luck', quantities: [] },
    { name: 'absent', command: 'z', seconds: 0, skipped: 'nvcc is not installed', quantities: [] },
    { name: 'times', command: 'z', seconds: 1, quantities: [{ what: 't', value: 3, unit: 'ms' }] },
  ],
});

describe('the page', () => {
  const { markdown, charts } = pageOf(run);

  it('names the machine and how each number was measured', () => {
    expect(markdown).toContain(
      'A | B, 2 logical processors, 8 GiB; Debian, Linux\n6.1, Node 22.1.0; 2026-01-02.',
    );
    expect(markdown).toContain(
      '## one two\n\n`(cd x && y)`, 12 s\n\n![Ratios of one two](../images/measured-one-two.svg)',
    );
  });

  it('has a row for each number, with its goal', () => {
    expect(markdown).toContain('| sort&lt;T> | C++ | 10 × | ≤ 4, **not met** |');
    expect(markdown).toContain('| a \\| b |  | 0.1 × |  |');
    expect(markdown).toContain('| call |  | 1,235 ns | ≤ 2,000, met |');
  });

  it('says what failed, and what was not measured', () => {
    expect(markdown).toContain('## broken\n\n`z`, 0 s\n\nIt failed:\n\n```text\nno luck\n```');
    expect(markdown).toContain('Not measured: nvcc is not installed');
  });

  it('has charts of ratios alone', () => {
    expect([...charts.keys()]).toEqual(['measured-one-two.svg']);
    expect(charts.get('measured-one-two.svg')).not.toContain('call');
  });

  it('says so where no run is kept', () => {
    expect(pageOf(undefined).markdown).toContain('No run is kept yet');
    expect(pageOf(undefined).charts.size).toBe(0);
  });
});

describe('a chart', () => {
  const [quantities = []] = run.benchmarks.map((measured) => measured.quantities.slice(0, 2));
  const chart = chartOf('A & B', quantities);

  it('has bars from 1, on an axis in which each tenth is as long', () => {
    // From 0.1 at 390 over 1 at 540 to 10 at 690.
    expect(chart).toContain('<rect class="missed" x="540" y="31" width="150" height="14"/>');
    expect(chart).toContain('<rect class="bar" x="390" y="55" width="150" height="14"/>');
  });

  it('marks goals, and says what it shows', () => {
    const mark = 540 + 150 * Math.log10(4);
    expect(chart).toContain(`<line class="goal" x1="${mark.toFixed(1)}" x2="${mark.toFixed(1)}"`);
    expect(chart).toContain('<title>A &amp; B</title>');
    expect(chart).toContain('sort&lt;T> ÷ C++');
  });
});

it('writes numbers with three digits', () => {
  expect([0.00123456, 0.9, 12.345, 999.6, 1234567.8].map(numberText)).toEqual([
    ...['0.00123', '0.9', '12.3', '1,000', '1,234,568'],
  ]);
});
