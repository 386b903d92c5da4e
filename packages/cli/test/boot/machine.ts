import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import type { Image } from './image.js';
import { makeEmptyLayer } from './layer.js';

const DEADLINE_MS = 1_800_000;
const LOOK_MS = 20;

export const reportSchema = z.object({
  targets: z.string(),
  failed: z.string(),
  /** Microseconds from the kernel's start to the login prompt, of the guest's clock. */
  login: z.coerce.number().positive(),
  ssh: z.string(),
  sudo: z.string(),
  cuda: z.string(),
  computed: z.coerce.number(),
  /** What five starts took, of a program that looks for the executor at its start: microseconds of the guest's clock. */
  early: z.string().regex(/^\d+( \d+){4}$/),
  /** Processes that have the library. */
  mapped: z.coerce.number(),
  preload: z.string(),
  installed: z.string(),
  /** The link by which the unit of the dead-man's switch is started, where it is there. */
  guard: z.string(),
  /** What was said by the work that the guest had to do. */
  work: z.string().optional(),
});
export type Report = z.infer<typeof reportSchema>;

/** Boots the image with a layer on top, until it has reported. What it writes is thrown away. */
export async function boot(image: Image, layer: string): Promise<Report> {
  return await inFolder((folder) => bootDisk(folder, image, `${image.disk},snapshot=on`, layer));
}

/** The same on a disk of its own; its power goes when the guest asks for that, and then it boots again. */
export async function bootAfterPowerCut(image: Image, layer: string): Promise<Report> {
  return await inFolder(async (folder) => {
    const disk = join(folder, 'disk');
    execFileSync('cp', ['--reflink=auto', '--sparse=always', image.disk, disk]);
    const files = { report: join(folder, 'first-report'), console: join(folder, 'first-console') };
    const isCut = () => existsSync(files.report) && readReport(files.report).has('cut');
    const ending = await run(qemuArguments(image, disk, layer, files), isCut);
    if (!isCut())
      throw new Error(
        `the machine ${ending} before its power was cut: ${readFileSync(files.report, 'utf8')}`,
      );
    return await bootDisk(folder, image, disk, makeEmptyLayer(folder));
  });
}

/**
 * The same, and in front of each change of a file the machine stands still: `look` then gets a copy of the disk as a power cut
 * at that moment would leave it, and the number of the change.
 */
export async function bootToEachChange(
  image: Image,
  layer: string,
  look: (disk: string, change: number) => void,
): Promise<Report> {
  return await inFolder(async (folder) => {
    const disk = join(folder, 'disk');
    const copy = (from: string, to: string) => execFileSync('cp', ['--sparse=always', from, to]);
    copy(image.disk, disk);
    let seen = 0;
    return await bootDisk(folder, image, disk, layer, (report, qemu) => {
      const change = Number(report.get('change') ?? 0);
      if (change === seen) return;
      if (change !== seen + 1) throw new Error(`change ${seen + 1} came and went between two looks`);
      seen = change;
      standStill(qemu);
      copy(disk, join(folder, 'copy'));
      look(join(folder, 'copy'), change);
      process.kill(qemu, 'SIGCONT');
    });
  });
}

/** Returns when none of its threads can write any more. */
function standStill(processId: number): void {
  process.kill(processId, 'SIGSTOP');
  const stands = (thread: string) =>
    /^State:\tT/m.test(readFileSync(`/proc/${processId}/task/${thread}/status`, 'utf8'));
  while (!readdirSync(`/proc/${processId}/task`).every(stands)) execFileSync('sleep', ['0.01']);
}

async function inFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'vgpu-boot-'));
  return await work(folder).finally(() => rmSync(folder, { recursive: true }));
}

/** @param disk as QEMU's -drive takes it */
async function bootDisk(
  folder: string,
  image: Image,
  disk: string,
  layer: string,
  watch: (report: Map<string, string>, qemu: number) => void = () => {},
): Promise<Report> {
  const files = { report: join(folder, 'report'), console: join(folder, 'console') };
  const ending = await run(qemuArguments(image, disk, layer, files), (qemu) => {
    if (existsSync(files.report)) watch(readReport(files.report), qemu);
    return false;
  });
  const values = readReport(files.report);
  if (!values.has('end')) {
    const last = readFileSync(files.console, 'utf8').split('\n').slice(-25).join('\n');
    throw new Error(`the machine ${ending} without a report; its console ended with\n${last}`);
  }
  return reportSchema.parse(Object.fromEntries(values));
}

interface SerialLines {
  readonly report: string;
  readonly console: string;
}

function qemuArguments(image: Image, disk: string, layer: string, files: SerialLines): string[] {
  return [
    // The guest's clock counts its instructions, so that its times do not depend on what else this machine does.
    ...['-accel', 'tcg', '-icount', 'shift=0', '-smp', '1'],
    ...['-machine', 'q35', '-cpu', 'max', '-m', '1024'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-no-reboot'],
    ...['-serial', `file:${files.console}`, '-serial', `file:${files.report}`],
    ...['-kernel', image.kernel],
    ...['-append', 'console=ttyS0 quiet panic=-1 root=/dev/nvme0n1 rootwait init=/boot-test/init.sh'],
    // Debian's kernel knows these disks without an initial file system, which would take a second of each boot.
    ...['-device', 'nvme,serial=1'],
    ...['-drive', `file=${disk},format=raw,if=none,id=disk`, '-device', 'nvme-ns,drive=disk,nsid=1'],
    ...['-drive', `file=${layer},format=raw,if=none,id=layer,snapshot=on`],
    ...['-device', 'nvme-ns,drive=layer,nsid=2'],
  ];
}

/**
 * @param isCut looks at the process of that number again and again: whether its power is to go
 * @returns in words: how it ended
 */
function run(args: readonly string[], isCut: (qemu: number) => boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const qemu = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'inherit', 'inherit'] });
    const deadline = performance.now() + DEADLINE_MS;
    let expired = false;
    const timer = setInterval(() => {
      try {
        expired = performance.now() > deadline;
        if (expired || isCut(qemu.pid ?? 0)) qemu.kill('SIGKILL');
      } catch (error) {
        qemu.kill('SIGKILL');
        reject(error);
      }
    }, LOOK_MS);
    qemu.once('error', reject);
    qemu.once('close', (status, signal) => {
      clearInterval(timer);
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
