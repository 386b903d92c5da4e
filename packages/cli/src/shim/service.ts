// Services of the running system, through systemctl.
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CliError } from '../errors.js';
import { processStartOf } from '../executor/state.js';
import { type Answer, ask } from './root.js';

const LIMIT_MS = 90_000;
const POLL_MS = 100;

interface ServiceState {
  readonly loaded: boolean;
  readonly active: string;
  readonly mainProcess: number;
  readonly environment: string;
}

/** sd_booted(3) */
export const hasSystemd = () => existsSync('/run/systemd/system');

export async function systemctl(...args: string[]): Promise<Answer> {
  return await ask('systemctl', args, process.env, LIMIT_MS);
}

/** @throws CliError ERR_VGPU_SHIM_SERVICE where systemctl does not answer */
export async function serviceState(name: string): Promise<ServiceState> {
  const properties = ['LoadState', 'ActiveState', 'MainPID', 'Environment'];
  const answer = await systemctl('show', `--property=${properties.join(',')}`, name);
  if (answer.code !== 0) throw serviceError(`cannot ask for the state of ${name}`, answer);
  const values = new Map(
    answer.stdout.split('\n').map((line): [string, string] => {
      const equals = line.indexOf('=');
      return [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
  return {
    loaded: values.get('LoadState') === 'loaded',
    active: values.get('ActiveState') ?? 'unknown',
    mainProcess: Number(values.get('MainPID') ?? 0),
    environment: values.get('Environment') ?? '',
  };
}

/** Its variables, as `systemctl show` writes them: quoted where there are spaces in them. */
export async function serviceEnvironment(name: string): Promise<Map<string, string>> {
  const { environment } = await serviceState(name);
  const words = [...environment.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)];
  return new Map(
    words.map(([, quoted, bare]): [string, string] => {
      const word = bare ?? quoted?.replaceAll(/\\(.)/g, '$1') ?? '';
      const equals = word.indexOf('=');
      return [word.slice(0, equals), word.slice(equals + 1)];
    }),
  );
}

/**
 * Stops a service, looks that it has stopped, starts it, and looks that it runs with the library.
 * @param library the file itself, not a symbolic link to it
 * @param limit milliseconds for each of these
 */
export async function restartWithLibrary(
  name: string,
  library: string,
  signal: AbortSignal,
  limit = LIMIT_MS,
): Promise<void> {
  const until = async (complaint: string, look: () => Promise<boolean>) => {
    const deadline = performance.now() + limit;
    while (!(await look())) {
      if (performance.now() > deadline) throw serviceError(`${complaint} within ${limit / 1000} s`);
      await sleep(POLL_MS, undefined, { signal });
    }
  };
  const { mainProcess } = await serviceState(name);
  const start = mainProcess > 0 ? processStartOf(mainProcess) : undefined;
  await demand('stop', name);
  await until(`${name} has not stopped`, async () => {
    const { active } = await serviceState(name);
    const gone = start === undefined || processStartOf(mainProcess) !== start;
    return gone && (active === 'inactive' || active === 'failed');
  });
  await demand('start', name);
  await until(`${name} is not active`, async () => {
    const state = await serviceState(name);
    if (state.active === 'failed')
      throw serviceError(`${name} has failed since it was started with the library`);
    return state.active === 'active' && state.mainProcess > 0;
  });
  await until(`the main process of ${name} does not have ${library}`, async () =>
    hasMapped((await serviceState(name)).mainProcess, library),
  );
}

async function demand(verb: 'start' | 'stop', name: string): Promise<void> {
  const answer = await systemctl(verb, name);
  if (answer.code !== 0) throw serviceError(`cannot ${verb} ${name}`, answer);
}

/** Whether a process has the file in its memory. */
export function hasMapped(processId: number, file: string): boolean {
  try {
    return readFileSync(`/proc/${processId}/maps`, 'utf8').includes(` ${file}\n`);
  } catch {
    // It has ended, or is another user's.
    return false;
  }
}

function serviceError(message: string, answer?: Answer): CliError {
  const said = answer ? `: systemctl ${answer.ending} ${answer.stderr.trim()}`.trimEnd() : '';
  return new CliError('ERR_VGPU_SHIM_SERVICE', message + said, {
    remedy: 'systemctl status and journalctl -u say more',
  });
}
