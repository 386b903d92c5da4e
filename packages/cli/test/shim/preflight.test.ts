// What is found before anything is changed. Each finding is caused for real, in a system of the test's own.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cli } from '../vgpu.js';
import { Machine, machineObstacle } from './machine.js';

const obstacle = machineObstacle();
if (obstacle) console.warn(`skipped: ${obstacle}`);

interface Finding {
  id: string;
  status: string;
  evidence: string;
  remedy?: string;
}

describe.skipIf(obstacle !== undefined)('the preflight', { timeout: 120_000 }, () => {
  let machine: Machine;
  beforeEach(async () => {
    machine = await Machine.start();
  });
  afterEach(async () => machine.stop());

  async function look(
    ...args: string[]
  ): Promise<{ code: number | null; problems: string[]; all: Finding[] }> {
    const { code, stdout } = await machine.vgpu('install', '--dry-run', '--json', ...args);
    const { checks }: { checks: Finding[] } = JSON.parse(stdout);
    return {
      code,
      all: checks,
      problems: checks.filter(({ status }) => status === 'problem').map(({ id }) => id),
    };
  }

  it.each([
    ['an entry whose file is missing', 'preload-file', 'echo /no/such.so > /etc/ld.so.preload'],
    [
      'an entry that is no library',
      'preload-file',
      'echo "# note" > /etc/ld.so.preload; echo /etc/passwd >> /etc/ld.so.preload',
    ],
    ['a list that is a symbolic link', 'preload-file', 'touch /etc/list; ln -s /etc/list /etc/ld.so.preload'],
    ['32-bit programs', '32-bit', 'mkdir -p /lib; touch /lib/ld-linux.so.2'],
    ['too little space', 'space', 'mount -t tmpfs -o size=50m none /var/lib'],
  ])('finds %s', async (_, id, script) => {
    await machine.shell(script);
    const { code, problems } = await look();
    expect(problems).toEqual([id]);
    expect(code).toBe(3);
    const { stdout } = await machine.vgpu('install', '--yes', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ERR_VGPU_SHIM_PREFLIGHT' } });
    expect((await machine.run(['test', '-e', '/usr/lib/vgpu-shim'])).code).toBe(1);
  });

  it("finds the machine's own driver, and comes before it only when told to", async () => {
    await machine.shell(
      'cp "$(ldconfig -p | sed -n "s/.*libm.so.6 .*x86-64.* => //p;s/.*libm.so.6 .*AArch64.* => //p" | head -1)" /usr/lib/libcuda.so.1',
    );
    expect((await look()).problems).toEqual(['real-driver']);
    expect((await look('--scope', 'program')).problems).toEqual(['real-driver']);
    expect((await look('--scope', 'container')).problems).toEqual([]);
    const { code, problems, all } = await look('--over-real-driver');
    expect({ code, problems }).toEqual({ code: 0, problems: [] });
    expect(all.find(({ id }) => id === 'real-driver')).toMatchObject({ status: 'warning' });
  });

  it('finds links that lead out of a system that is mounted elsewhere', async () => {
    await machine.shell(
      'mkdir -p /mnt/image/etc/systemd /mnt/image/usr/lib /mnt/image/var/lib; ln -s /etc/systemd/system /mnt/image/etc/systemd/system',
    );
    const { problems, all } = await look('--root', '/mnt/image');
    expect(problems).toContain('folders');
    expect(all.find(({ id }) => id === 'folders')?.evidence).toContain('/etc/systemd/system');
  });

  it('wants root', async () => {
    const words = [process.execPath, cli, 'shim', 'install', '--dry-run', '--json'];
    const { stdout, stderr } = await machine.run(['setpriv', '--reuid=65534', '--clear-groups', ...words]);
    expect(stdout, stderr).toContain('"id":"root","status":"problem"');
  });

  it.each([
    [['--scope', 'service'], 'belong together'],
    [['--service', 'x.service'], 'belong together'],
    [['--restart', 'x.service', '--root', '/usr'], 'the running system'],
    [['--scope', 'service', '--service', 'ollama'], 'no name of a service'],
    [['--scope', 'service', '--service', '../x.service'], 'no name of a service'],
    [['--root', '/no/such/folder'], 'there is no folder'],
  ])('refuses %j', async (args, complaint) => {
    const { code, stderr } = await machine.vgpu('install', '--dry-run', ...args);
    expect(code).toBe(1);
    expect(stderr).toContain(complaint);
  });
});
