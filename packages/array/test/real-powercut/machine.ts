import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { PowercutError } from './errors.js';

export interface Machine {
  readonly kernel: string;
  readonly guestImage: string;
  /** Words for the kernel's command line, which init.sh reads. */
  readonly words: readonly string[];
  readonly disk: string;
  /** An empty file, which receives the log. */
  readonly log: string;
  readonly deadlineMilliseconds: number;
  /** Turns the machine off. */
  readonly signal: AbortSignal;
}

/**
 * Runs the machine until it turns itself off.
 * @param onLine is given the lines of the console that begin with "vgpu:"
 * @throws PowercutError ERR_VGPU_POWERCUT_MACHINE where the writer in it failed or did not end in time
 */
export async function runMachine(machine: Machine, onLine: (line: string) => void): Promise<void> {
  const qemu = spawn('qemu-system-x86_64', qemuArguments(machine), { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise<string>((resolve) => {
    qemu.once('error', (error) => resolve(error.message));
    qemu.once('close', (status, signal) => resolve(signal ?? `status ${status}`));
  });
  const lines: string[] = [];
  const read = (line: string) => {
    lines.push(line);
    if (line.startsWith('vgpu:')) onLine(line.trimEnd());
  };
  createInterface({ input: qemu.stdout }).on('line', read);
  createInterface({ input: qemu.stderr }).on('line', read);
  const stop = () => qemu.kill('SIGKILL');
  const deadline = setTimeout(stop, machine.deadlineMilliseconds);
  machine.signal.addEventListener('abort', stop);
  const how = await ended;
  machine.signal.removeEventListener('abort', stop);
  clearTimeout(deadline);
  machine.signal.throwIfAborted();
  const said = lines.map((line) => line.trimEnd());
  const complaint = said.find((line) => line.startsWith('vgpu: cannot'));
  if (how === 'status 0' && said.includes('vgpu: exit 0') && complaint === undefined) return;
  throw new PowercutError(
    'ERR_VGPU_POWERCUT_MACHINE',
    `the guest ended with ${how}: ${said.slice(-30).join('\n')}`,
    {
      values: { deadlineMilliseconds: machine.deadlineMilliseconds },
      remedy: 'The console above says why.',
    },
  );
}

function qemuArguments(machine: Machine): string[] {
  // The host does not lose power, so nothing waits for its disk. It also makes a flush complete at once: it stands in
  // the log behind exactly the writes that had completed when it was asked for, and covers no others.
  const file = (node: string, filename: string) => ({
    driver: 'file',
    'node-name': node,
    filename,
    cache: { direct: false, 'no-flush': true },
  });
  const logged = { driver: 'blklogwrites', 'node-name': 'disk', file: 'disk-file', log: 'log-file' };
  const blockdevs = [file('disk-file', machine.disk), file('log-file', machine.log), logged];
  return [
    ...['-accel', 'tcg', '-machine', 'q35', '-cpu', 'max', '-smp', '1', '-m', '640'],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio', '-no-reboot'],
    ...['-kernel', machine.kernel, '-initrd', machine.guestImage],
    ...['-append', ['console=ttyS0', 'quiet', 'panic=-1', ...machine.words].join(' ')],
    ...blockdevs.flatMap((node) => ['-blockdev', JSON.stringify(node)]),
    ...['-device', 'virtio-blk-pci,drive=disk,write-cache=on,discard=off,physical_block_size=4096'],
  ];
}
