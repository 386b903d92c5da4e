import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import type { Machine } from './document.js';

export function thisMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    logicalProcessors: availableParallelism(),
    memoryBytes: totalmem(),
    system: systemName(readFileSync('/etc/os-release', 'utf8')),
    // What a distributor or a host appends says nothing about speed.
    kernel: release().replace(/-.*/, ''),
    architecture: arch(),
    node: process.versions.node,
    load: loadavg()[0] ?? 0,
  };
}

/** @param text of os-release(5) */
export function systemName(text: string): string {
  return /^PRETTY_NAME="?(.*?)"?$/m.exec(text)?.[1] ?? 'Linux';
}
