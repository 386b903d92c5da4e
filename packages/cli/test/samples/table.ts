// The table of docs/cuda-samples.md.

export interface Row {
  readonly group: string;
  readonly name: string;
  readonly builds: boolean;
  readonly runs: boolean;
  readonly verifies: boolean;
  /** What it says of its results, or why there are none. */
  readonly because: string;
}

const LONGEST = 160;

function cell(text: string): string {
  const line = text.replace(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('`', "'");
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}

const yes = (value: boolean): string => (value ? 'yes' : 'no');

export function table(rows: readonly Row[]): string {
  const count = (pick: (row: Row) => boolean): number => rows.filter(pick).length;
  const lines = rows.map(
    (row) =>
      `| ${row.group}/${row.name} | ${yes(row.builds)} | ${yes(row.runs)} | ${yes(row.verifies)} | ${cell(row.because)} |`,
  );
  return `# NVIDIA's cuda-samples

Made by \`pnpm test:samples -- --samples DIR\`, DIR being a clone of NVIDIA's public repository \`cuda-samples\`. Each is
built with \`nvcc -cudart shared\` for compute capability 8.0 and run, unmodified, under \`vgpu run --gpu software\`. *Runs*:
it ends with exit code 0 in time. *Verifies*: it also says of itself that its results are right, in words or, where its
source makes its exit code depend on the comparison, by that.

Of ${rows.length} samples ${count((row) => row.builds)} build, ${count((row) => row.runs)} run and ${count((row) => row.verifies)} verify.

| sample | builds | runs | verifies | in its own words, or why not |
|---|---|---|---|---|
${lines.join('\n')}
`;
}
