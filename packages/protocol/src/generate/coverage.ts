// docs/coverage.md: what of CUDA works, and how.
import type { CallEntry } from '../schema.js';
import { calls } from '../table/table.js';

const titles = { driver: 'Driver API', runtime: 'Runtime API', nvml: 'NVML', cublas: 'cuBLAS' } as const;

const absent = 'Refused with "not supported" (801), logged once by name, and absent from `cuGetProcAddress`';
const refusal: Readonly<Record<keyof typeof titles, string>> = {
  driver: absent,
  runtime: absent,
  nvml: 'Refused with NVML_ERROR_NOT_SUPPORTED, logged once by name',
  cublas: 'Refused with CUBLAS_STATUS_NOT_SUPPORTED, logged once by name',
};

function row(call: CallEntry): string {
  const since =
    call.since === 0 ? '' : `${Math.floor(call.since / 1000)}.${Math.floor((call.since % 1000) / 10)}`;
  switch (call.kind) {
    case 'remote':
      return `| \`${call.prototype.name}\` | ${since} | executor${call.deferred ? ', deferred' : ''} | |`;
    case 'local':
      return `| \`${call.prototype.name}\` | ${since} | guest | ${call.why} |`;
    case 'forwarded':
      return `| \`${call.prototype.name}\` | ${since} | guest | is \`${call.beneath}\`, with the last-error rule |`;
    case 'perThread':
      return `| \`${call.prototype.name}\` | ${since} | guest | \`${call.beneath}\` on the thread's own default stream |`;
    case 'refused':
      return '';
  }
}

function section(api: keyof typeof titles): string {
  const entries = calls.filter((call) => call.api === api);
  const refused = entries
    .filter((call) => call.kind === 'refused')
    .map((call) => `\`${call.prototype.name}\``);
  const rows = entries.map(row).filter((text) => text !== '');
  const lines = [
    `## ${titles[api]}`,
    '',
    '| call | since CUDA | answered by | note |',
    '|---|---|---|---|',
    ...rows,
    '',
  ];
  if (refused.length > 0) {
    lines.push(`${refusal[api]} (${refused.length}):`, '', refused.join(', '), '');
  }
  return lines.join('\n');
}

export function coverage(): string {
  const count = (kind: CallEntry['kind'], api: CallEntry['api']): number =>
    calls.filter((call) => call.kind === kind && call.api === api).length;
  const summary = (Object.keys(titles) as (keyof typeof titles)[]).map(
    (api) =>
      `| ${titles[api]} | ${count('remote', api)} | ${count('local', api) + count('perThread', api) + count('forwarded', api)} | ${count('refused', api)} |`,
  );
  return `# Coverage of CUDA's interfaces

Generated from the table in \`packages/protocol\`; \`pnpm codegen\` rewrites it. Names are those of CUDA 13.0.

| interface | answered by the executor | answered in the guest | refused |
|---|---|---|---|
${summary.join('\n')}

${(Object.keys(titles) as (keyof typeof titles)[]).map(section).join('\n')}`;
}
