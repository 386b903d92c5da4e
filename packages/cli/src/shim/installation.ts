// The steps of one installation, in the order in which nothing can go wrong that cannot be undone.
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { LIBRARY_NAMES, recoveryProgram, selfTestProgram } from '@vgpu/preload-shim';
import type { Check } from '../doctor/check.js';
import { CliError, type ErrorCode } from '../errors.js';
import type { Context } from '../output/command.js';
import { canary } from './canary.js';
import { Changes } from './changes.js';
import { checkDiscovery } from './discovery.js';
import { flushFolder, writeDurably } from './durable.js';
import { guardUnit, startGuard } from './guard.js';
import { Journal } from './journal.js';
import { GUARD_UNIT, LIBRARIES, UNITS } from './layout.js';
import { digestOf } from './library-file.js';
import type { SystemRoot } from './root.js';
import { fileStep, linkStep, type ScopeOptions, type Step, scopeEnvironment, scopeSteps } from './scopes.js';
import { restartWithLibrary } from './service.js';
import { undo } from './undo.js';

declare const VGPU_VERSION: string;

export interface InstallationOptions extends ScopeOptions {
  /** A service to start again with the library. */
  readonly restart?: string;
  /** Seconds; 0: there is no dead-man's switch. */
  readonly confirmWithin: number;
}

/**
 * True for scopes in which a mistake could keep people from logging in, or a service from working, unless nobody could
 * undo it: a system that does not run and, without systemd, will not start the switch either.
 */
export function isGuarded(root: SystemRoot, { scope, confirmWithin }: InstallationOptions): boolean {
  const canUndo = root.isRunning || existsSync(root.at(UNITS));
  return confirmWithin > 0 && canUndo && (scope === 'system' || scope === 'service');
}

export class Installation {
  /** The name of its folder, too. */
  readonly version: string;
  /** Empty where everything has been done already. */
  readonly plan: readonly Step[];
  readonly #root: SystemRoot;
  readonly #options: InstallationOptions;
  readonly #library: string;
  readonly #context: Context;

  constructor(root: SystemRoot, options: InstallationOptions, library: string, context: Context) {
    this.#root = root;
    this.#options = options;
    this.#library = library;
    this.#context = context;
    this.version = `${VGPU_VERSION}-${digestOf(readFileSync(library))}`;
    this.plan = this.#makePlan();
  }

  /**
   * All of it, or nothing.
   * @param transaction the number of its journal
   */
  async perform(transaction: number): Promise<void> {
    const journal = new Journal(this.#root, transaction);
    try {
      const changes = new Changes(this.#root, journal);
      changes.note(['plan', this.version, this.#options.scope]);
      if (isGuarded(this.#root, this.#options))
        changes.note(['deadline', String(this.#options.confirmWithin)]);
      for (const step of this.plan) {
        this.#context.signal.throwIfAborted();
        this.#context.say(step.title);
        await step.perform(changes);
      }
      changes.note(['installed']);
      if (!isGuarded(this.#root, this.#options)) changes.note(['confirmed']);
    } catch (error) {
      await this.#undo(transaction, error);
      if (error instanceof CliError) throw error;
      throw new CliError('ERR_VGPU_SHIM_STEP', 'a step of the installation failed', { cause: error });
    } finally {
      journal.close();
    }
  }

  /** @param cause why */
  async #undo(transaction: number, cause: unknown): Promise<void> {
    try {
      const { remarks } = await undo(this.#root, transaction);
      this.#context.say(remarks || 'everything was undone');
    } catch (error) {
      if (error instanceof Error) error.cause ??= cause;
      throw error;
    }
  }

  /** The library is tried before anything leads to it, and the switch is set before anything can go wrong. */
  #makePlan(): Step[] {
    const guarded = isGuarded(this.#root, this.#options);
    const store = [this.#storeStep()];
    const unit = guarded && existsSync(this.#root.at(UNITS)) ? this.#unitSteps() : [];
    const ways = [linkStep(this.#root, this.version), ...scopeSteps(this.#root, this.#options)];
    if (![...store, ...ways].some(({ needed }) => needed)) return [];
    const all = [
      ...store,
      ...(this.#options.scope === 'program' ? [] : [this.#canaryStep()]),
      ...unit,
      ...(guarded && this.#root.isRunning ? [this.#guardStep()] : []),
      ...ways,
      ...this.#restartSteps(),
      this.#discoveryStep(),
    ];
    return all.filter(({ needed }) => needed);
  }

  get #folder(): string {
    return `${LIBRARIES}/${this.version}`;
  }

  get #recovery(): string {
    return `${this.#folder}/${basename(recoveryProgram())}`;
  }

  #storeStep(): Step {
    return {
      title: `store the library and what undoes this: ${this.#folder}`,
      needed: !existsSync(this.#root.at(this.#folder)),
      perform: (changes) => changes.placeTree(this.#folder, (folder) => this.#fill(folder)),
    };
  }

  #fill(folder: string): void {
    const files: [string, string][] = [
      [this.#library, 'libvgpu_cuda.so'],
      [selfTestProgram(), basename(selfTestProgram())],
      [recoveryProgram(), basename(recoveryProgram())],
    ];
    for (const [file, name] of files) writeDurably(join(folder, name), readFileSync(file), { mode: 0o755 });
    const names = join(folder, 'names');
    mkdirSync(names);
    chmodSync(names, 0o755);
    for (const name of LIBRARY_NAMES) symlinkSync('../libvgpu_cuda.so', join(names, name));
    flushFolder(names);
  }

  #canaryStep(): Step {
    return {
      title: 'try it in programs of the system, each beside a run without it',
      needed: true,
      perform: async () => {
        const library = `${this.#folder}/libvgpu_cuda.so`;
        demand(await canary(this.#root, library, this.#context.signal), 'ERR_VGPU_SHIM_CANARY');
      },
    };
  }

  #unitSteps(): Step[] {
    const link = `${UNITS}/sysinit.target.wants/${GUARD_UNIT}`;
    const file = fileStep(
      this.#root,
      'undo it also if the machine restarts before it is confirmed',
      `${UNITS}/${GUARD_UNIT}`,
      guardUnit(this.#recovery),
    );
    return [
      {
        ...file,
        perform: async (changes) => {
          changes.note(['reload']);
          await file.perform(changes);
          changes.placeLink(link, `../${GUARD_UNIT}`);
        },
      },
    ];
  }

  #guardStep(): Step {
    return {
      title: `set the dead-man's switch: undone after ${this.#options.confirmWithin} s without vgpu shim confirm`,
      needed: true,
      perform: () => startGuard(this.#root, this.#recovery),
    };
  }

  #restartSteps(): Step[] {
    const { restart } = this.#options;
    if (restart === undefined) return [];
    return [
      {
        title: `restart ${restart}, and look that it runs with the library`,
        needed: true,
        perform: async (changes) => {
          changes.note(['service', restart]);
          await restartWithLibrary(restart, `${this.#folder}/libvgpu_cuda.so`, this.#context.signal);
        },
      },
    ];
  }

  #discoveryStep(): Step {
    return {
      title: 'look what a CUDA program finds',
      needed: true,
      perform: async () => {
        const env = scopeEnvironment(this.#options);
        // The executor of a system that does not run does not run either.
        const expectDevice = this.#options.executor !== undefined && this.#root.isRunning;
        demand(await checkDiscovery(this.#root, { env, expectDevice }), 'ERR_VGPU_SHIM_DISCOVERY');
      },
    };
  }
}

function demand(check: Check, code: ErrorCode): void {
  if (check.status === 'problem') throw new CliError(code, check.evidence, { remedy: check.remedy ?? '' });
}
