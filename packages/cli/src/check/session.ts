// Checking one program: the executor writes what it finds into a file, which is read while and after the program runs.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Check, CheckOptions } from '@vgpu/executor';
import { CliError } from '../errors.js';
import { parseEvents } from '../run/events.js';
import type { Observer } from '../run/observer.js';
import { type CheckEvent, type CheckReport, makeReport } from './report.js';
import { describeFinding, describeReport } from './text.js';

export interface CheckRequest {
  checks: readonly Check[];
  /** Where the report goes as JSON. */
  reportFile?: string;
  limit?: number;
  /** The exit status when there are errors; the program's own where it is not given. */
  errorExitCode?: number;
  /** Tell findings as they happen, too. */
  verbose: boolean;
  /** Say nothing when nothing was found. */
  quiet: boolean;
}

const FOLLOW_INTERVAL_MS = 200;

export class CheckSession implements Observer {
  readonly #request: CheckRequest;
  readonly #folder = mkdtempSync(join(tmpdir(), 'vgpu-check-'));
  readonly #events = join(this.#folder, 'events');
  readonly #timer: NodeJS.Timeout | undefined;
  #told = 0;

  /** @throws CliError ERR_VGPU_CHECK_REPORT when the report could not be written in the end. */
  constructor(request: CheckRequest) {
    this.#request = request;
    writeFileSync(this.#events, '');
    try {
      if (request.reportFile !== undefined) closeSync(openSync(request.reportFile, 'w'));
    } catch (cause) {
      this.remove();
      throw new CliError('ERR_VGPU_CHECK_REPORT', `cannot write the report to ${request.reportFile}`, {
        cause,
      });
    }
    if (request.verbose) this.#timer = setInterval(() => this.#tellNews(), FOLLOW_INTERVAL_MS);
  }

  get check(): CheckOptions {
    const { checks, limit } = this.#request;
    return { checks, reportPath: this.#events, ...(limit !== undefined && { limit }) };
  }

  /** Once the executor has stopped: tells and writes what was found. Returns the exit status for errors, if any. */
  async finish(program: string, args: readonly string[]): Promise<number | undefined> {
    const { checks, reportFile, errorExitCode, quiet, verbose } = this.#request;
    if (verbose) this.#tellNews();
    const report = makeReport(checks, parseEvents<CheckEvent>(readFileSync(this.#events, 'utf8')));
    if (!quiet || report.findings.length > 0) process.stderr.write(textOf(report));
    if (reportFile !== undefined) writeReport(reportFile, { schemaVersion: 1, program, args, ...report });
    return report.errors > 0 ? errorExitCode : undefined;
  }

  remove(): void {
    clearInterval(this.#timer);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #tellNews(): void {
    const findings = parseEvents<CheckEvent>(readFileSync(this.#events, 'utf8')).filter(
      ({ event }) => event === 'finding',
    );
    for (const event of findings.slice(this.#told)) {
      if (event.event === 'finding') process.stderr.write(describeFinding(event.finding));
    }
    this.#told = findings.length;
  }
}

function textOf(report: CheckReport): string {
  return report.findings.map(describeFinding).join('') + describeReport(report);
}

function writeReport(file: string, document: object): void {
  try {
    writeFileSync(file, `${JSON.stringify(document, undefined, 2)}\n`);
  } catch (cause) {
    throw new CliError('ERR_VGPU_CHECK_REPORT', `cannot write the report to ${file}`, { cause });
  }
}
