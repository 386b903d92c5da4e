import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Machine, machineObstacle } from './machine.js';

const obstacle = machineObstacle();
if (obstacle) console.warn(`skipped: ${obstacle}`);

const ENTRY = '/usr/lib/vgpu-shim/current/libvgpu_cuda.so';

describe.skipIf(obstacle !== undefined)('vgpu shim install', { timeout: 120_000 }, () => {
  let machine: Machine;

  beforeEach(async () => {
    machine = await Machine.start();
  });
  afterEach(async () => {
    await machine.vgpu('uninstall', '--yes');
    await machine.stop();
  });

  const read = async (path: string) => (await machine.run(['cat', path])).stdout;
  const exists = async (path: string) => (await machine.run(['test', '-e', path])).code === 0;
  const install = (...args: string[]) => machine.vgpu('install', '--yes', ...args);

  it('is tested on systems whose differences are seen', async () => {
    await machine.shell(
      'echo x >> /etc/passwd; touch /etc/group; chmod 600 /etc/fstab; rm /etc/hostname; mkdir /etc/new',
    );
    const paths = ['etc/fstab', 'etc/group', 'etc/hostname', 'etc/new', 'etc/passwd'];
    expect(await machine.differences()).toEqual(paths);
    await machine.remember();
    expect(await machine.differences()).toEqual([]);
  });

  it('only says what it would do', async () => {
    const { code, stdout } = await machine.vgpu('install', '--dry-run', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, done: false, scope: 'system' });
    expect(await machine.differences()).toEqual([]);
  });

  it('does nothing without consent', async () => {
    const { code, stdout } = await machine.vgpu('install', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ERR_VGPU_NEEDS_CONSENT' } });
    expect(await machine.differences()).toEqual([]);
  });

  it('gives every program the library, and takes it away again', async () => {
    const { code, stderr } = await install();
    expect(code, stderr).toBe(0);
    expect(await read('/proc/self/maps')).toContain('/libvgpu_cuda.so\n');
    expect(await machine.vgpu('status', '--json')).toMatchObject({ code: 3 });
    expect((await machine.vgpu('verify')).code).toBe(0);
    // One byte, that no program notices.
    await machine.shell(`printf 1 | dd of=${ENTRY} bs=1 seek=24 conv=notrunc`);
    expect(await machine.vgpu('verify')).toMatchObject({
      code: 3,
      stdout: expect.stringContaining(`${ENTRY} is not what was installed`),
    });
    expect((await machine.vgpu('confirm')).code).toBe(0);
    expect(JSON.parse((await machine.vgpu('status', '--json')).stdout)).toMatchObject({
      ok: true,
      installed: true,
      installations: [{ number: 1, state: 'confirmed', scope: 'system' }],
    });

    expect((await machine.vgpu('uninstall', '--yes')).code).toBe(0);
    expect(await read('/proc/self/maps')).not.toContain('vgpu');
    expect(await machine.differences()).toEqual([]);
  });

  it('leaves a system alone that has it already', async () => {
    expect((await install('--confirm-within', '0')).code).toBe(0);
    const { code, stdout } = await install('--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ done: false, plan: [] });
  });

  it('keeps mode, owner and the other lines of the list of libraries', async () => {
    const other = await otherLibrary(machine);
    await machine.shell(
      `printf '# \\377 ours\\n${other}' > /etc/ld.so.preload; chmod 640 /etc/ld.so.preload
      chown 1:2 /etc/ld.so.preload; touch -d '2020-01-01 00:00:00.99999' /etc/ld.so.preload`,
    );
    await machine.remember();
    expect((await install('--confirm-within', '0')).code).toBe(0);
    expect((await machine.shell('base64 -w 0 /etc/ld.so.preload')).stdout).toBe(
      Buffer.from(`# \xff ours\n${other}\n${ENTRY}\n`, 'latin1').toString('base64'),
    );
    expect((await machine.run(['stat', '-c', '%a %u %g', '/etc/ld.so.preload'])).stdout).toBe('640 1 2\n');

    expect((await machine.vgpu('rollback', '--yes')).code).toBe(0);
    expect(await machine.differences()).toEqual([]);
  });

  it('keeps what others have added since', async () => {
    const other = await otherLibrary(machine);
    expect((await install('--confirm-within', '0')).code).toBe(0);
    await machine.shell(`echo ${other} >> /etc/ld.so.preload`);
    const { code, stdout } = await machine.vgpu('uninstall', '--yes');
    expect(code).toBe(0);
    expect(stdout).toContain('kept what others have changed in /etc/ld.so.preload');
    expect(await read('/etc/ld.so.preload')).toBe(`${other}\n`);
  });

  it('keeps beside it what others have changed in files that go or come back', async () => {
    await machine.shell('mkdir -p /etc/cdi; echo before > /etc/cdi/vgpu.json');
    await machine.remember();
    expect((await install('--scope', 'container')).code).toBe(0);
    await machine.shell('echo "// mine" >> /etc/cdi/vgpu.json');
    const { code, stdout } = await machine.vgpu('uninstall', '--yes');
    expect(code).toBe(0);
    expect(stdout).toContain(
      'kept what others have changed in /etc/cdi/vgpu.json as /etc/cdi/vgpu.json.vgpu-kept',
    );
    expect(await machine.differences()).toEqual(['etc/cdi/vgpu.json.vgpu-kept']);
    expect(await read('/etc/cdi/vgpu.json.vgpu-kept')).toContain('// mine\n');
  });

  it('keeps what was kept before, and what others have put in the place of a file', async () => {
    await machine.shell('mkdir -p /etc/cdi; echo first > /etc/cdi/vgpu.json.vgpu-kept');
    await machine.remember();
    expect((await install('--scope', 'container')).code).toBe(0);
    await machine.shell('rm /etc/cdi/vgpu.json; mkfifo /etc/cdi/vgpu.json');
    const { code, stdout } = await machine.vgpu('uninstall', '--yes');
    expect(code).toBe(0);
    expect(stdout).toContain('/etc/cdi/vgpu.json as /etc/cdi/vgpu.json.vgpu-kept.2\n');
    expect(stdout).toContain('as it was before, but for what was kept');
    expect(await machine.differences()).toEqual(['etc/cdi/vgpu.json.vgpu-kept.2']);
    expect(await read('/etc/cdi/vgpu.json.vgpu-kept')).toBe('first\n');
  });

  it('puts a link back, also where that has been done already', async () => {
    await machine.shell('mkdir -p /etc/cdi; echo {} > /etc/cdi/real; ln -s real /etc/cdi/vgpu.json');
    await machine.remember();
    for (const meanwhile of [':', 'ln -sfn real /etc/cdi/vgpu.json']) {
      expect((await install('--scope', 'container')).code).toBe(0);
      await machine.shell(meanwhile);
      expect((await machine.vgpu('uninstall', '--yes')).stdout).not.toContain('kept');
      expect((await machine.run(['readlink', '/etc/cdi/vgpu.json'])).stdout).toBe('real\n');
      expect((await machine.run(['ls', '/etc/cdi'])).stdout).toBe('real\nvgpu.json\n');
    }
  });

  it('replaces a version beside the running one, and goes back to it', async () => {
    // Other bytes, in the entry point that a library does not have.
    const change = 'printf 1 | dd of=/tmp/older.so bs=1 seek=24 conv=notrunc';
    await machine.shell(`cp "$LIBRARY" /tmp/older.so && ${change}`, { LIBRARY: builtLibrary });
    expect((await install('--confirm-within', '0', '--library', '/tmp/older.so')).code).toBe(0);
    const before = (await machine.run(['readlink', '/usr/lib/vgpu-shim/current'])).stdout;
    const sleeper = machine.start(['sleep', '600']);
    try {
      expect((await install('--confirm-within', '0')).code).toBe(0);
      expect((await machine.run(['readlink', '/usr/lib/vgpu-shim/current'])).stdout).not.toBe(before);
      // The sleeper with the older one, and who counts.
      const { processes } = JSON.parse((await machine.vgpu('status', '--json')).stdout);
      expect(processes).toBeGreaterThanOrEqual(2);
      expect((await machine.vgpu('rollback', '--yes')).code).toBe(0);
      expect((await machine.run(['readlink', '/usr/lib/vgpu-shim/current'])).stdout).toBe(before);
      expect((await machine.vgpu('verify')).code).toBe(0);
      // Its library was never written to.
      expect(sleeper.exitCode).toBeNull();
    } finally {
      sleeper.kill();
    }
    expect((await machine.vgpu('uninstall', '--yes')).code).toBe(0);
    expect(await machine.differences()).toEqual([]);
  });

  it('works on a system that is mounted elsewhere', async () => {
    await machine.shell('mkdir /mnt/other && mount --rbind / /mnt/other');
    await machine.remember();
    const other = ['--root', '/mnt/other'];
    const { code, stderr } = await install(...other);
    expect(code, stderr).toBe(0);
    expect((await machine.vgpu('status', ...other)).stdout).toContain('unconfirmed');
    expect((await machine.vgpu('verify', ...other)).code).toBe(0);
    expect((await machine.vgpu('confirm', ...other)).code).toBe(0);
    expect((await machine.vgpu('uninstall', '--yes', ...other)).code).toBe(0);
    expect(await machine.differences()).toEqual([]);
  });

  it('is undone when nobody confirms it', async () => {
    expect((await install('--confirm-within', '1')).code).toBe(0);
    await expect.poll(() => exists('/var/lib/vgpu-shim'), { timeout: 60_000 }).toBe(false);
    expect(await machine.differences()).toEqual([]);
    const { code, stdout } = await machine.vgpu('confirm', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ERR_VGPU_SHIM_NOT_INSTALLED' } });
  });

  it('leaves a link of others alone that leads nowhere', async () => {
    await machine.shell('ln -s /no/such/folder /etc/vgpu');
    await machine.remember();
    const { code, stdout } = await install(
      '--json',
      '--confirm-within',
      '0',
      '--executor',
      'unix:/run/x.sock',
    );
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ERR_VGPU_SHIM_STEP' } });
    expect(await machine.differences()).toEqual([]);
  });

  it('installs nothing above an installation that is not confirmed', async () => {
    expect((await install()).code).toBe(0);
    const { code, stdout } = await install('--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ERR_VGPU_SHIM_PENDING' } });
  });
});

const builtLibrary = join(import.meta.dirname, '../../../preload-shim/build/native/lib/libvgpu_cuda.so');

/** A library that may be preloaded and is not ours. */
async function otherLibrary(machine: Machine): Promise<string> {
  const { stdout } = await machine.shell(
    "sed -n 's|.* \\(/.*/libc\\.so\\.6\\)$|\\1|p' /proc/self/maps | head -1",
  );
  const libc = stdout.trim();
  expect(existsSync(libc)).toBe(true);
  return libc;
}
