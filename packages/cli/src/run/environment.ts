import type { GuestLibrary } from '@vgpu/preload-shim';
import { CliError } from '../errors.js';

/** The program's environment: what the user has, with our library first wherever the loader looks. */
export function guestEnvironment(
  base: NodeJS.ProcessEnv,
  guest: GuestLibrary,
  executorUrl: string,
): NodeJS.ProcessEnv {
  // The loader splits both variables at these characters and knows no way to quote them.
  if (/[\s:;]/.test(guest.library + guest.directory)) {
    throw new CliError(
      'ERR_VGPU_PRELOAD_PATH',
      `the loader cannot preload from a path like ${guest.library}`,
      {
        remedy: 'move vgpu to a folder without spaces, colons and semicolons in its path',
      },
    );
  }
  return {
    ...base,
    LD_PRELOAD: prepend(guest.library, base.LD_PRELOAD),
    LD_LIBRARY_PATH: prepend(guest.directory, base.LD_LIBRARY_PATH),
    VGPU_EXECUTOR: executorUrl,
  };
}

function prepend(entry: string, list: string | undefined): string {
  // An empty element would add the current folder to the search.
  return list ? `${entry}:${list}` : entry;
}
