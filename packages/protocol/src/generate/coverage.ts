// docs/coverage.md: every function of CUDA's headers, and what becomes of it on each backend.
import { headerFunctions } from '../abi/header-functions.js';
import { type Program, programFunctions } from '../abi/program-functions.js';
import type { CallEntry } from '../schema.js';
import { realAnswer, refusedBeneath } from '../table/real-backend.js';
import { calls } from '../table/table.js';

export type State = 'works' | 'refused' | 'missing';

export interface Coverage {
  readonly name: string;
  readonly since: string;
  readonly software: State;
  readonly real: State;
  readonly note: string;
}

const entries = new Map(calls.map((call) => [call.prototype.name, call]));

function sinceText({ since }: CallEntry): string {
  return since === 0 ? '' : `${Math.floor(since / 1000)}.${Math.floor((since % 1000) / 10)}`;
}

function noteOf(call: CallEntry): string {
  switch (call.kind) {
    case 'remote':
      return call.deferred ? 'executor, deferred' : 'executor';
    case 'local':
      return `guest: ${call.why}`;
    case 'forwarded':
      return `guest: is \`${call.beneath}\`, with the last-error rule`;
    case 'perThread':
      return `guest: \`${call.beneath}\` on the thread's own default stream`;
    case 'refused':
      return '';
  }
}

/** Why the real backend does not carry the call out; the guest's functions stand on others, which decide. */
function realRefusal(call: CallEntry): string | undefined {
  if (call.kind === 'remote') {
    const answer = realAnswer(call);
    return answer.kind === 'refused' ? answer.reason : undefined;
  }
  const own = refusedBeneath(call.prototype.name);
  if (own !== undefined || !('beneath' in call)) return own;
  const beneath = entries.get(call.beneath);
  return beneath === undefined ? undefined : realRefusal(beneath);
}

export function coverageOf(name: string): Coverage {
  const call = entries.get(name);
  if (call === undefined) return { name, since: '', software: 'missing', real: 'missing', note: '' };
  const since = sinceText(call);
  if (call.kind === 'refused') return { name, since, software: 'refused', real: 'refused', note: '' };
  const refusal = realRefusal(call);
  return {
    name,
    since,
    software: 'works',
    real: refusal === undefined ? 'works' : 'refused',
    note: refusal === undefined ? noteOf(call) : `${noteOf(call)}; real: ${refusal}`,
  };
}

/** What is measured: the functions of a header, and those of the table that no header names. */
function groups(): readonly { readonly title: string; readonly functions: readonly Coverage[] }[] {
  const inHeaders = new Set<string>(Object.values(headerFunctions).flat());
  const others = (api: CallEntry['api']): string[] =>
    calls
      .filter((call) => call.api === api && !inHeaders.has(call.prototype.name))
      .map((call) => call.prototype.name);
  const group = (title: string, names: readonly string[]) => ({ title, functions: names.map(coverageOf) });
  const further = [...new Set(calls.map(({ api }) => api))].filter(
    (api) => api !== 'internal' && api !== 'driver' && api !== 'runtime',
  );
  return [
    group('Driver API: cuda.h', headerFunctions['cuda.h']),
    group('Driver API: further forms that programs call', others('driver')),
    group('Runtime API: cuda_runtime_api.h', headerFunctions['cuda_runtime_api.h']),
    group("Runtime API: further forms, and what nvcc's code calls", others('runtime')),
    ...further.map((api) => group(apiTitles[api] ?? api, others(api))),
  ];
}

const apiTitles: Readonly<Record<string, string>> = { nvml: 'NVML', cublas: 'cuBLAS' };

const count = (functions: readonly Coverage[], backend: 'software' | 'real', state: State): number =>
  functions.filter((entry) => entry[backend] === state).length;

function section({ title, functions }: { title: string; functions: readonly Coverage[] }): string {
  const worksSomewhere = functions.filter(({ software, real }) => software === 'works' || real === 'works');
  const list = (state: State): string =>
    functions
      .filter(({ software, real }) => software === state && real === state)
      .map(({ name }) => `\`${name}\``)
      .join(', ');
  const lines = [
    `## ${title}`,
    '',
    '| function | since CUDA | software GPU | real backend | answered by |',
    '|---|---|---|---|---|',
    ...worksSomewhere.map(
      ({ name, since, software, real, note }) =>
        `| \`${name}\` | ${since} | ${software} | ${real} | ${note} |`,
    ),
    '',
  ];
  const refused = list('refused');
  const missing = list('missing');
  if (refused !== '')
    lines.push(`Refused on both (${count(functions, 'software', 'refused')}): ${refused}`, '');
  if (missing !== '') lines.push(`Missing (${count(functions, 'software', 'missing')}): ${missing}`, '');
  return lines.join('\n');
}

function programRow({ title, source, functions }: Program): string {
  const found = functions.map(coverageOf);
  const worst = ({ software, real }: Coverage): State => (software === 'works' ? real : software);
  const list = (state: State): string =>
    found
      .filter((entry) => worst(entry) === state)
      .map(({ name, software }) =>
        software === 'works' ? `\`${name}\` (on the real backend alone)` : `\`${name}\``,
      )
      .join(', ');
  const works = found.filter((entry) => worst(entry) === 'works').length;
  return `| ${title}: ${source} | ${found.length} | ${works} | ${list('refused')} | ${list('missing')} |`;
}

export function coverage(): string {
  const all = groups();
  const summary = all.map(
    ({ title, functions }) =>
      `| ${title} | ${functions.length} | ${count(functions, 'software', 'works')} | ${count(functions, 'real', 'works')} | ${count(functions, 'software', 'refused')} | ${count(functions, 'software', 'missing')} |`,
  );
  return `# Coverage of CUDA's interfaces

Generated from the table in \`packages/protocol\`; \`pnpm codegen\` rewrites it. Names are those of the headers of CUDA
13.0.

- **works**: implemented, within the limits that the packages' READMEs name. For the real backend that is what its code
  and its tests say: they run on a stand-in for the driver and on the guest library in its place, not on a GPU.
- **refused**: exported, so that programs load; answers "not supported" (801; NVML and cuBLAS with their own code for
  it), is logged once by name, and is not found by \`cuGetProcAddress\`.
- **missing**: not exported.

| interface | functions | work on the software GPU | work on the real backend | refused | missing |
|---|---|---|---|---|---|
${summary.join('\n')}

## What programs call

PyTorch also loads libraries that vgpu does not bring (cublasLt, cuDNN, cuFFT, NVRTC, NCCL and others).

| program | functions | work on both backends | refused | missing |
|---|---|---|---|---|
${programFunctions.map(programRow).join('\n')}

${all.map(section).join('\n')}`;
}
