// The dead-man's switch: the recovery program, waiting. A unit starts it again where the machine restarts meanwhile.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { GUARD_UNIT, STATE } from './layout.js';
import type { SystemRoot } from './root.js';
import { hasSystemd, systemctl } from './service.js';

/** @param recovery as it is called in that system: not by the link, which is yet to be made */
export const guardUnit = (
  recovery: string,
) => `# Written by vgpu shim install; vgpu shim uninstall removes it.
[Unit]
Description=Undo the vgpu shim unless its installation is confirmed
Documentation=https://www.npmjs.com/package/@vgpu/cli
DefaultDependencies=no
RequiresMountsFor=${STATE} ${recovery}
After=local-fs.target
Before=shutdown.target
Conflicts=shutdown.target
ConditionPathExists=${STATE}
StartLimitIntervalSec=0

[Service]
# Not started before the program runs; and started again should somebody kill it, in whatever way.
Type=exec
Restart=on-abnormal
RestartForceExitStatus=SIGTERM SIGINT SIGHUP
RestartSec=2
ExecStart=${recovery} --guard
`;

/** Starts it: as a service, so that no end of a session reaches it, or as a process of its own. */
export async function startGuard(root: SystemRoot, recovery: string): Promise<void> {
  if (root.isRunning && hasSystemd()) {
    await systemctl('daemon-reload');
    if ((await systemctl('restart', GUARD_UNIT)).code === 0) return;
  }
  const child = spawn(root.at(recovery), ['--root', root.path, '--guard'], {
    cwd: '/',
    detached: true,
    stdio: 'ignore',
    env: { PATH: process.env.PATH },
  });
  await once(child, 'spawn');
  child.unref();
}
