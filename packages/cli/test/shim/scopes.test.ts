// The ways in: who gets the library, who does not, and that a CUDA program computes.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cli } from '../vgpu.js';
import { Machine, machineObstacle } from './machine.js';

const obstacle = machineObstacle();
if (obstacle) console.warn(`skipped: ${obstacle}`);

const selfTest = join(import.meta.dirname, '../../../preload-shim/build/native/bin/vgpu-self-test');
const URL_OF_EXECUTOR = 'unix:/run/test/vgpu/executor.sock';
const executor = (verb: string) => [process.execPath, cli, 'executor', verb];
const PATH = `/opt/test:${process.env.PATH}`;

describe.skipIf(obstacle !== undefined)('a scope', { timeout: 120_000 }, () => {
  let machine: Machine;

  beforeEach(async () => {
    machine = await Machine.start();
    const script = readFileSync(join(import.meta.dirname, 'systemctl.sh')).toString('base64');
    await machine.shell(`
      mkdir -p /opt/test /run/systemd/system /run/test && chmod 700 /run/test
      echo ${script} | base64 -d > /opt/test/systemctl && chmod +x /opt/test/systemctl
      /opt/test/systemctl start test.service`);
    const options = ['--gpu', 'software', '--memory', '64MiB'];
    const started = await machine.run([...executor('start'), ...options], { XDG_RUNTIME_DIR: '/run/test' });
    expect(started.stdout, started.stderr).toContain(URL_OF_EXECUTOR);
    await machine.remember();
  }, 120_000);
  afterEach(async () => {
    await run('uninstall', '--yes');
    await machine.run([...executor('stop')], { XDG_RUNTIME_DIR: '/run/test' });
    await machine.shell('kill $(cat /run/test-services/test.service)');
    await machine.stop();
  }, 120_000);

  const run = (...args: string[]) => machine.run([process.execPath, cli, 'shim', ...args], { PATH });
  const install = (...args: string[]) =>
    run('install', '--yes', '--json', '--confirm-within', '0', '--executor', URL_OF_EXECUTOR, ...args);
  const withFault = (fault: string, ...args: string[]) =>
    machine.run(
      [process.execPath, cli, 'shim', 'install', '--yes', '--json', '--confirm-within', '0', ...args],
      {
        PATH,
        FAULT: fault,
      },
    );
  const memory = async (process = 'self') => (await machine.run(['cat', `/proc/${process}/maps`])).stdout;
  const serviceProcess = async () =>
    (await machine.run(['cat', '/run/test-services/test.service'])).stdout.trim();
  /** But for the service manager's own notes. */
  const differences = async () =>
    (await machine.differences()).filter((path) => !path.startsWith('run/test'));

  it('system: every program computes', async () => {
    await machine.shell(`mkdir /etc/vgpu; printf '# ours\\n\\nexecutor = unix:/old\\nlog = journal\\n' > /etc/vgpu/shim.conf
      chmod 640 /etc/vgpu/shim.conf; chown 1:2 /etc/vgpu/shim.conf`);
    await machine.remember();
    const { code, stdout, stderr } = await install('--scope', 'system');
    expect(code, stderr).toBe(0);
    expect((await machine.run(['cat', '/etc/vgpu/shim.conf'])).stdout).toBe(
      `# ours\n\nlog = journal\nexecutor = ${URL_OF_EXECUTOR}\n`,
    );
    expect((await machine.run(['stat', '-c', '%a %u %g', '/etc/vgpu/shim.conf'])).stdout).toBe('640 1 2\n');
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, done: true });
    const computed = await machine.run([selfTest]);
    expect(computed, computed.stderr).toMatchObject({ code: 0 });
    expect(await memory()).toContain('libvgpu_cuda.so');
    expect((await run('uninstall', '--yes')).code).toBe(0);
    expect(await differences()).toEqual([]);
  });

  it('program: those that ask for CUDA compute, and others do not notice', async () => {
    const { code, stderr } = await install('--scope', 'program');
    expect(code, stderr).toBe(0);
    const computed = await machine.run([selfTest]);
    expect(computed, computed.stderr).toMatchObject({ code: 0 });
    expect(await memory()).not.toContain('libvgpu_cuda.so');
    expect((await run('uninstall', '--yes')).code).toBe(0);
    expect((await machine.run([selfTest])).stderr).toContain('libcuda.so.1');
    // The cache was made anew: only its time differs.
    expect((await differences()).filter((path) => path !== 'etc/ld.so.cache')).toEqual([]);
  });

  it('service: that service has the library, and no other process', async () => {
    const before = await serviceProcess();
    const { code, stderr } = await install(
      ...['--scope', 'service', '--service', 'test.service', '--restart', 'test.service'],
    );
    expect(code, stderr).toBe(0);
    expect(await serviceProcess()).not.toBe(before);
    expect(await memory(await serviceProcess())).toContain('libvgpu_cuda.so');
    expect(await memory()).not.toContain('libvgpu_cuda.so');
    const withIt = await serviceProcess();

    expect((await run('uninstall', '--yes')).code).toBe(0);
    expect(await serviceProcess()).not.toBe(withIt);
    expect(await memory(await serviceProcess())).not.toContain('libvgpu_cuda.so');
    expect(await differences()).toEqual([]);
  });

  it('service: what its own files preload into it stays', async () => {
    await machine.shell(`mkdir -p /run/systemd/system /run/test-services
      echo 'A=1 "LD_PRELOAD=/opt/a%b.so /opt/c.so" "LD_LIBRARY_PATH=/opt/my lib"' > /run/test-services/environment`);
    expect((await install('--scope', 'service', '--service', 'test.service')).code).toBe(0);
    const { stdout } = await machine.run(['cat', '/etc/systemd/system/test.service.d/vgpu-shim.conf']);
    expect(stdout).toContain(
      'Environment="LD_PRELOAD=/opt/a%%b.so:/opt/c.so:/usr/lib/vgpu-shim/current/libvgpu_cuda.so"\n',
    );
    expect(stdout).toContain('Environment="LD_LIBRARY_PATH=/usr/lib/vgpu-shim/current/names:/opt/my lib"\n');
    await machine.shell('rm /run/test-services/environment');
  });

  it('container: engines find a device that they can mount', async () => {
    const { code, stderr } = await install('--scope', 'container');
    expect(code, stderr).toBe(0);
    const { stdout } = await machine.run(['cat', '/etc/cdi/vgpu.json']);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({
      cdiVersion: '0.6.0',
      kind: 'vgpu.dev/gpu',
      devices: [{ name: 'shim' }],
    });
    const { env, mounts } = document.devices[0].containerEdits;
    for (const { hostPath } of mounts) expect((await machine.run(['test', '-e', hostPath])).code).toBe(0);
    const computed = await machine.run(['env', '-i', ...env, selfTest]);
    expect(computed, computed.stderr).toMatchObject({ code: 0 });
  });

  it.each([
    ['stop', 'cannot stop test.service'],
    ['start', 'cannot start test.service'],
  ])('service: everything is undone when systemctl cannot %s it', async (fault, complaint) => {
    const { code, stdout } = await withFault(
      fault,
      ...['--scope', 'service', '--service', 'test.service', '--restart', 'test.service'],
    );
    expect(code).toBe(1);
    const { error } = JSON.parse(stdout);
    expect(error).toMatchObject({ code: 'ERR_VGPU_SHIM_SERVICE' });
    expect(error.message).toContain(complaint);
    expect(await differences()).toEqual([]);
    expect(await memory(await serviceProcess())).not.toContain('libvgpu_cuda.so');
  });

  it('refuses a service that is not there', async () => {
    const { code, stdout } = await install('--scope', 'system', '--restart', 'nothing.service');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ERR_VGPU_SHIM_PREFLIGHT' } });
    expect(await differences()).toEqual([]);
  });

  it('is undone when the executor that it names does not answer', async () => {
    const { code, stdout } = await install('--scope', 'system', '--executor', 'unix:/run/test/nobody.sock');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ERR_VGPU_SHIM_DISCOVERY' } });
    expect(await differences()).toEqual([]);
  });
});
