// Profiling one program: the executor writes what it counts into a file, which is read when the program has ended.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../errors.js';
import type { Observer } from '../run/observer.js';
import { makeProfile } from './document.js';
import { profilePage } from './page.js';
import { describeProfile } from './text.js';

interface ProfileRequest {
  /** Where the report goes; stderr where it is not given. */
  outputFile?: string;
  json: boolean;
  htmlFile?: string;
  /** Lines of PTX for each kernel of the text. */
  lines: number;
}

export class ProfileSession implements Observer {
  readonly #request: ProfileRequest;
  readonly #folder = mkdtempSync(join(tmpdir(), 'vgpu-profile-'));
  readonly #events = join(this.#folder, 'events');

  /** @throws CliError ERR_VGPU_PROFILE_REPORT when a report could not be written in the end. */
  constructor(request: ProfileRequest) {
    this.#request = request;
    writeFileSync(this.#events, '');
    try {
      for (const file of [request.outputFile, request.htmlFile]) {
        if (file !== undefined) writing(file, () => closeSync(openSync(file, 'w')));
      }
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  get profilePath(): string {
    return this.#events;
  }

  /** Once the executor has stopped: writes the reports. The exit status stays the program's. */
  async finish(program: string, args: readonly string[]): Promise<undefined> {
    const { outputFile, json, htmlFile, lines } = this.#request;
    const profile = makeProfile(program, args, readFileSync(this.#events, 'utf8'));
    const report = json ? `${JSON.stringify(profile)}\n` : describeProfile(profile, lines);
    if (outputFile === undefined) process.stderr.write(report);
    else writing(outputFile, () => writeFileSync(outputFile, report));
    if (htmlFile !== undefined) writing(htmlFile, () => writeFileSync(htmlFile, profilePage(profile)));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function writing(file: string, write: () => void): void {
  try {
    write();
  } catch (cause) {
    throw new CliError('ERR_VGPU_PROFILE_REPORT', `cannot write the profile to ${file}`, { cause });
  }
}
