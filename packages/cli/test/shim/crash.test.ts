// An installation is killed in front of each of its changes in turn, and so is undoing it. Afterwards the system must be
// byte for byte what it was.
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../vgpu.js';
import { Machine, machineObstacle } from './machine.js';

const obstacle = machineObstacle();
if (obstacle) console.warn(`skipped: ${obstacle}`);

const native = join(import.meta.dirname, '../../../preload-shim/build/native');
const killing = join(native, 'test/libkill_at.so');
const recovery = join(native, 'bin/vgpu-shim-recover');
// The same program, but one that the killing library can be loaded into.
const dynamicRecovery = join(native, 'test/vgpu-shim-recover-dynamic');
const install = [process.execPath, cli, 'shim', 'install', '--yes', '--confirm-within'];
/** Every so many changes one is a place to crash; 1 with VGPU_TEST_ALL=1. */
const stride = process.env.VGPU_TEST_ALL ? 1 : 7;

describe.skipIf(obstacle !== undefined)('an installation that is killed', { timeout: 600_000 }, () => {
  let machine: Machine;

  beforeAll(async () => {
    machine = await Machine.start();
    // Something of every kind must be put back: a file that is there, a folder that is not.
    await machine.shell(
      'echo "# nothing yet" > /etc/ld.so.preload; mkdir -p /etc/vgpu; echo "log = journal" > /etc/vgpu/shim.conf',
    );
    await machine.remember();
  });
  afterEach(async () => {
    await machine.run([recovery, '--all']);
  });
  afterAll(async () => {
    await machine.stop();
  });

  /** How many changes of files a command makes. */
  async function changesOf(words: readonly string[]): Promise<number> {
    const counted = await machine.run(words, { LD_PRELOAD: killing, VGPU_TEST_COUNT: '/tmp/changes' });
    expect(counted.code, counted.stderr).toBe(0);
    return Number((await machine.run(['cat', '/tmp/changes'])).stdout);
  }

  const killAt = (words: readonly string[], change: number) =>
    machine.run(words, { LD_PRELOAD: killing, VGPU_TEST_KILL_AT: String(change) });

  it('leaves what can be undone, wherever that was', async () => {
    const changes = await changesOf([...install, '0']);
    expect((await machine.run([recovery])).code).toBe(0);
    expect(changes).toBeGreaterThan(40);
    for (let change = 1; change <= changes; change += stride) {
      const { signal } = await killAt([...install, '0'], change);
      expect(signal, `change ${change} of ${changes}`).toBe('SIGKILL');
      const undone = await machine.run([recovery]);
      expect(undone.code, undone.stderr).toBe(0);
      expect(await machine.differences(), `change ${change} of ${changes}`).toEqual([]);
    }
  });

  it('can be undone by a recovery that was itself killed', async () => {
    const prepare = async () => expect((await machine.run([...install, '0'])).code).toBe(0);
    await prepare();
    const changes = await changesOf([dynamicRecovery]);
    expect(changes).toBeGreaterThan(20);
    for (let change = 1; change <= changes; change += stride) {
      await prepare();
      expect((await killAt([dynamicRecovery], change)).signal).toBe('SIGKILL');
      // The next one is killed too, a little later in what is left; it may come to its end before.
      await killAt([dynamicRecovery], change + 2);
      const undone = await machine.run([recovery]);
      expect(undone.code, undone.stderr).toBe(0);
      expect(await machine.differences(), `killed at change ${change} of ${changes}`).toEqual([]);
    }
  });

  it("can be undone to its end when the loader's cache alone is left", async () => {
    const program = ['--scope', 'program'];
    const prepare = async () => expect((await machine.run([...install, '0', ...program])).code).toBe(0);
    await prepare();
    const changes = await changesOf([dynamicRecovery]);
    const cached = async () => (await machine.run(['ldconfig', '-p'])).stdout.includes('/usr/lib/vgpu-shim');
    expect(await cached()).toBe(false);
    for (let change = changes - 7; change <= changes; change++) {
      await prepare();
      expect(await cached()).toBe(true);
      expect((await killAt([dynamicRecovery], change)).signal).toBe('SIGKILL');
      expect((await machine.run([recovery])).code).toBe(0);
      expect(await cached(), `killed at change ${change} of ${changes}`).toBe(false);
    }
    // The cache was made anew: only its time differs.
    expect((await machine.differences()).filter((path) => path !== 'etc/ld.so.cache')).toEqual([]);
    await machine.remember();
  });

  it('is undone by the switch, without anybody', async () => {
    const changes = await changesOf([...install, '600']);
    expect((await machine.run([recovery])).code).toBe(0);
    // The switch is set before the first change that programs could notice. With the very last one it is installed.
    for (const change of [changes - 1, changes - 4, changes - 8]) {
      await killAt([...install, '600'], change);
      await expect
        .poll(async () => (await machine.run(['test', '-e', '/var/lib/vgpu-shim'])).code, { timeout: 60_000 })
        .toBe(1);
      expect(await machine.differences(), `change ${change} of ${changes}`).toEqual([]);
    }
  });

  it('is undone by the switch as soon as that is possible', async () => {
    expect((await machine.run([...install, '600'])).code).toBe(0);
    // What something is mounted on cannot be removed. The line is crc32 of "undoing", and that.
    await machine.shell(`cd -P /usr/lib/vgpu-shim/current; mount --bind . .
      printf '%s\\tundoing\\n' 719b3a7d >> /var/lib/vgpu-shim/1/journal`);
    const exists = async (path: string) => (await machine.run(['test', '-e', path])).code === 0;
    await expect
      .poll(() => exists('/usr/lib/vgpu-shim/current/libvgpu_cuda.so'), { timeout: 60_000 })
      .toBe(false);
    expect(await exists('/var/lib/vgpu-shim/1/journal')).toBe(true);
    await machine.shell('umount /usr/lib/vgpu-shim/*');
    await expect.poll(() => exists('/var/lib/vgpu-shim'), { timeout: 60_000 }).toBe(false);
    expect(await machine.differences()).toEqual([]);
  });

  it('is undone to its end at the next start, confirmed or not, when undoing was asked for and cut off', async () => {
    expect((await machine.run([...install, '0'])).code).toBe(0);
    expect((await killAt([dynamicRecovery], 8)).signal).toBe('SIGKILL');
    expect(JSON.parse((await machine.vgpu('status', '--json')).stdout)).toMatchObject({
      installations: [{ state: 'undoing' }],
    });
    expect(await machine.run([recovery, '--guard'])).toMatchObject({ code: 0 });
    expect(await machine.differences()).toEqual([]);
  });

  it('stays when the switch came too late for its confirmation', async () => {
    expect((await machine.run([...install, '0'])).code).toBe(0);
    await machine.shell("printf '719b3a7d\\tundoing\\n' >> /var/lib/vgpu-shim/1/journal");
    expect(JSON.parse((await machine.vgpu('status', '--json')).stdout)).toMatchObject({
      installations: [{ state: 'confirmed' }],
    });
    expect(await machine.run([recovery, '--guard'])).toMatchObject({ code: 0, stdout: 'confirmed\n' });
    expect((await machine.run([recovery])).code).toBe(0);
    expect(await machine.differences()).toEqual([]);
  });

  it('takes no folder for an installation that only looks like one', async () => {
    expect((await machine.run([...install, '0'])).code).toBe(0);
    await machine.shell('mkdir /var/lib/vgpu-shim/007');
    expect((await machine.run(['timeout', '60', recovery, '--all'])).code).toBe(0);
    await machine.shell('rmdir /var/lib/vgpu-shim/007 /var/lib/vgpu-shim');
    expect(await machine.differences()).toEqual([]);
  });

  it.each([
    ['torn', "printf '0badc0de\\tcreate\\t/etc/pass'"],
    ['of other content than was written', "printf '0badc0de\\tcreate\\t/etc/passwd\\n'"],
    ['zeros', 'head -c 4096 /dev/zero'],
  ])('believes no line of its journal that is %s', async (_, line) => {
    expect((await machine.run([...install, '0'])).code).toBe(0);
    await machine.shell(`${line} >> /var/lib/vgpu-shim/1/journal`);
    expect(JSON.parse((await machine.vgpu('status', '--json')).stdout)).toMatchObject({
      installations: [{ state: 'confirmed' }],
    });
    const undone = await machine.run([recovery]);
    expect(undone.code, undone.stderr).toBe(0);
    expect(await machine.differences()).toEqual([]);
  });

  it.each([
    ['empty', ':'],
    ['torn in its first line', "printf '0badc0de\\tbeg'"],
    ['zeros', 'head -c 4096 /dev/zero'],
  ])('is forgotten when its journal is %s', async (_, content) => {
    await machine.shell(`mkdir -p /var/lib/vgpu-shim/1; ${content} > /var/lib/vgpu-shim/1/journal`);
    const undone = await machine.run([recovery]);
    expect(undone.code, undone.stderr).toBe(0);
    expect(await machine.differences()).toEqual([]);
  });

  it('keeps its copies when the first line of its journal is damaged', async () => {
    expect((await machine.run([...install, '0'])).code).toBe(0);
    await machine.shell('cd /var/lib/vgpu-shim/1; cp journal /tmp/journal; sed -i 1s/begin/Begin/ journal');
    expect((await machine.run([recovery])).code).toBe(1);
    await machine.shell('cp /tmp/journal /var/lib/vgpu-shim/1/journal');
    expect((await machine.run([recovery])).code).toBe(0);
    expect(await machine.differences()).toEqual([]);
  });

  it('is not undone by a journal that another version wrote', async () => {
    expect((await machine.run([...install, '0'])).code).toBe(0);
    // crc32 of "begin\t2\t1\t1\tx"
    await machine.shell(`cp /var/lib/vgpu-shim/1/journal /tmp/journal
      printf '5dd6297c\tbegin\t2\t1\t1\tx\n' > /var/lib/vgpu-shim/1/journal`);
    expect(await machine.run([recovery])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot read'),
    });
    expect((await machine.vgpu('status', '--json')).stdout).toContain('ERR_VGPU_SHIM_JOURNAL');
    await machine.shell('cp /tmp/journal /var/lib/vgpu-shim/1/journal');
    expect((await machine.run([recovery])).code).toBe(0);
    expect(await machine.differences()).toEqual([]);
  });

  it('is never both confirmed and undone', async () => {
    expect((await machine.run([...install, '600'])).code).toBe(0);
    // Held up when it has read the journal, and is about to say there that it undoes.
    const undoing = machine.start([dynamicRecovery], { LD_PRELOAD: killing, VGPU_TEST_STOP_AT: '1' });
    const ended = new Promise((resolve) => undoing.once('close', resolve));
    const state = async (): Promise<string> =>
      /State:\t(.)/.exec((await machine.run(['cat', `/proc/${undoing.pid}/status`])).stdout)?.[1] ?? '';
    await expect.poll(state, { timeout: 60_000 }).toBe('T');
    const { code, stdout } = await machine.vgpu('confirm', '--json');
    process.kill(undoing.pid ?? 0, 'SIGCONT');
    expect(await ended).toBe(0);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ERR_VGPU_SHIM_UNDONE' } });
    expect(await machine.differences()).toEqual([]);
  });

  it('is not undone while its installer is at work', async () => {
    const installer = machine.start([...install, '0'], { LD_PRELOAD: killing, VGPU_TEST_STOP_AT: '30' });
    const ended = new Promise((resolve) => installer.once('close', resolve));
    const state = async (): Promise<string> =>
      /State:\t(.)/.exec((await machine.run(['cat', `/proc/${installer.pid}/status`])).stdout)?.[1] ?? '';
    await expect.poll(state, { timeout: 60_000 }).toBe('T');
    expect(await machine.run([recovery])).toMatchObject({
      code: 2,
      stderr: 'vgpu-shim-recover: an installation is going on\n',
    });
    expect(JSON.parse((await machine.vgpu('status', '--json')).stdout)).toMatchObject({
      installations: [{ state: 'installing' }],
    });
    process.kill(installer.pid ?? 0, 'SIGCONT');
    expect(await ended).toBe(0);
    expect((await machine.run([recovery])).code).toBe(0);
    expect(await machine.differences()).toEqual([]);
  });
});
