import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs a program and returns its stdout. @throws Error with its output when it fails. */
export function output(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; timeout?: number; input?: string } = {},
): string {
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 600_000,
    ...options,
  });
  if (result.error)
    throw new Error(`cannot run ${command}: ${result.error.message}`, { cause: result.error });
  if (result.status !== 0) {
    const said = `${result.stdout}${result.stderr}`.trim();
    throw new Error(`${command} ${args.join(' ')} ended with ${result.status ?? result.signal}: ${said}`);
  }
  return result.stdout;
}

/** The same while this process goes on, which may have to answer it; as a user would who has never seen the workspace. */
export async function outputMeanwhile(command: readonly string[], cwd: string): Promise<string> {
  const [program = '', ...args] = command;
  const { stdout } = await promisify(execFile)(program, args, {
    cwd,
    timeout: 600_000,
    env: usersEnvironment(),
  });
  return stdout;
}

/** Without what pnpm adds for a script of the workspace: its modules would be found where nobody has installed them. */
export function usersEnvironment(): NodeJS.ProcessEnv {
  const { NODE_PATH: _, ...environment } = process.env;
  return environment;
}
