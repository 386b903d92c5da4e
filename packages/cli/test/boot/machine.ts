import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Image } from './image.js';

const DEADLINE_MS = 1_800_000;

export const reportSchema = z.object({
  targets: z.string(),
  failed: z.string(),
  /** Microseconds from the kernel's start to the login prompt, of the guest's clock. */
  login: z.coerce.number().positive(),
  ssh: z.string(),
  sudo: z.string(),
  cuda: z.string(),
  computed: z.coerce.number(),
  /** Processes that have the library. */
  mapped: z.coerce.number(),
  preload: z.string(),
  installed: z.string(),
});
export type Report = z.infer<typeof reportSchema>;

/** Boots the image with a layer on top, until it has reported. What it writes is thrown away. */
export async function boot(image: Image, layer: string): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'vgpu-boot-'));
  const [report, log] = [join(folder, 'report'), join(folder, 'console')];
  try {
    const ending = await run(qemuArguments(image, layer, report, log));
    const values = readReport(report);
    if (!values.has('end')) {
      const last = readFileSync(log, 'utf8').split('\n').slice(-25).join('\n');
      throw new Error(`the machine ${ending} without a report; its console ended with\n${last}`);
    }
    return reportSchema.parse(Object.fromEntries(values));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function qemuArguments(image: Image, layer: string, report: string, log: string): string[] {
  return [
    // The guest's clock counts its instructions, so that its times do not depend on what else this machine does.
    ...['-accel', 'tcg', '-icount', 'shift=0', '-smp', '1'],
    ...['-machine', 'q35', '-cpu', 'max', '-m', '1024'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-serial', `file:${log}`, '-serial', `file:${report}`],
    ...['-kernel', image.kernel, '-initrd', image.initialFileSystem],
    ...['-append', 'console=ttyS0 quiet panic=-1 root=/dev/vda rw init=/boot-test/init.sh'],
    ...['-drive', `file=${image.disk},format=raw,if=virtio,snapshot=on`],
    ...['-drive', `file=${layer},format=raw,if=virtio,snapshot=on`],
  ];
}

/** In words: how it ended. */
function run(args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const qemu = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'inherit', 'inherit'] });
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      qemu.kill('SIGKILL');
    }, DEADLINE_MS);
    qemu.once('error', reject);
    qemu.once('close', (status, signal) => {
      clearTimeout(timer);
      resolve(expired ? `was still running after ${DEADLINE_MS / 1000} s` : `ended with ${signal ?? status}`);
    });
  });
}

function readReport(path: string): Map<string, string> {
  return new Map(
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line): [string, string] => {
        const equals = line.indexOf('=');
        return [line.slice(0, equals), line.slice(equals + 1).trim()];
      }),
  );
}
