// A trace as people and other programs read it.
import type { TraceRecord } from './record.js';

/** Gets every record in turn and gives text; `begin` and `end` surround it. */
export interface TraceFormat {
  readonly begin: string;
  record(record: TraceRecord): string;
  readonly end: string;
}

export type TraceFormatName = 'text' | 'jsonl' | 'chrome';

export function traceFormat(name: TraceFormatName): TraceFormat {
  return { text: textFormat, jsonl: jsonLinesFormat, chrome: chromeFormat }[name]();
}

/** "  12.345 ms  [7]  cudaMalloc(devPtr: 0x7ffc, size: 4096) → devPtr: 0x7f0 = cudaSuccess, 0.021 ms" */
function textFormat(): TraceFormat {
  let first: number | undefined;
  return {
    begin: '',
    record: (record) => {
      first ??= record.began;
      const when = milliseconds(record.began - first).padStart(12);
      const given = listOf(record.arguments);
      const got = listOf(record.results ?? {});
      const kernel = record.kernel === undefined ? '' : ` «${record.kernel}»`;
      const result = record.resultName ?? (record.result === undefined ? '' : String(record.result));
      return (
        `${when}  [${record.thread}]  ${record.function}${kernel}(${given})` +
        `${got && ` → ${got}`}${result && ` = ${result}`}, ${milliseconds(record.nanoseconds)}\n`
      );
    },
    end: '',
  };
}

function jsonLinesFormat(): TraceFormat {
  return { begin: '', record: (record) => `${JSON.stringify(record)}\n`, end: '' };
}

/** The "Trace Event Format" that Chrome's about:tracing and Perfetto read: complete events, times in microseconds. */
function chromeFormat(): TraceFormat {
  let separator = '';
  return {
    begin: '{"displayTimeUnit":"ns","traceEvents":[',
    record: ({ function: name, api, kernel, began, nanoseconds, process, thread, ...rest }) => {
      const event = {
        name: kernel === undefined ? name : `${name} ${kernel}`,
        cat: api,
        ph: 'X',
        ts: began / 1000,
        dur: nanoseconds / 1000,
        pid: process,
        tid: thread,
        args: { ...rest.arguments, ...rest.results, result: rest.resultName ?? rest.result },
      };
      const text = `${separator}\n${JSON.stringify(event)}`;
      separator = ',';
      return text;
    },
    end: '\n]}\n',
  };
}

function listOf(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}: ${describe(value)}`)
    .join(', ');
}

function describe(value: unknown): string {
  if (value === null) return '…';
  if (Array.isArray(value)) return `(${value.join(', ')})`;
  // Addresses and floating-point numbers come as text, too.
  return typeof value === 'string' && !/^(?:0x[\da-f]+|-?[\d.]+(?:e[-+]\d+)?|-?inf|-?nan)$/.test(value)
    ? JSON.stringify(value)
    : String(value);
}

const milliseconds = (nanoseconds: number): string => `${(nanoseconds / 1e6).toFixed(3)} ms`;
