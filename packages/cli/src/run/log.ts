import { appendFileSync } from 'node:fs';

interface LogOptions {
  quiet: boolean;
  /** The file that the guest library logs into too. */
  file?: string | undefined;
}

/**
 * Where the executor's log goes: all of it to the file of VGPU_LOG, if there is one; what explains a CUDA error also
 * to a terminal, so that a person sees the reason beside the program's own message.
 */
export function executorLog({ quiet, file }: LogOptions): (line: string) => void {
  const showProblems = process.stderr.isTTY && !quiet;
  return (line) => {
    if (showProblems && PROBLEM.test(line)) process.stderr.write(`vgpu: ${line.replace(PROBLEM, '')}\n`);
    if (file) append(file, line);
  };
}

/** "TIME LEVEL [CLIENT] message", of which only the message is for people. */
const PROBLEM = /^\S+ (?:warning|error) (?:\[[^\]]*\] )?/;

function append(file: string, line: string): void {
  try {
    appendFileSync(file, `${line}\n`);
  } catch {
    // A full disk or a wrong path must not end the program; the guest library does not complain either.
  }
}
