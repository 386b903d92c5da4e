// What a scenario puts on top of the image: files that `vgpu shim install --root` and we write, as a tar file.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Image } from './image.js';
import type { Scenario } from './scenarios.js';

const packages = join(import.meta.dirname, '../../..');
const shim = join(packages, 'preload-shim/build/native');
const cli = join(packages, 'cli/dist/vgpu.js');
const SOCKET = '/run/vgpu/executor.sock';
/** The kernel goes on accepting connections for it. */
const STOP = `ExecStartPost=/bin/sh -c 'until [ -S ${SOCKET} ]; do sleep 0.1; done; kill -STOP $MAINPID'\n`;

// The image stays as it is: what is written lands in an overlay, and that is the layer.
const MAKE = `
set -e
tree=$1 place=$2 layer=$3 node=$4 cli=$5
mount -t tmpfs vgpu-boot "$place/overlay"
mkdir "$place/overlay/upper" "$place/overlay/work" "$place/overlay/root"
mount -t overlay vgpu-boot -o "lowerdir=$tree,upperdir=$place/overlay/upper,workdir=$place/overlay/work" "$place/overlay/root"
status=0
if [ "$INSTALL" ]; then
  LD_PRELOAD=$KILLING "$node" "$cli" shim install --root "$place/overlay/root" --yes --confirm-within "$CONFIRM" \\
    --executor unix:${SOCKET} > /dev/null 2> "$place/said" || status=$?
fi
[ "$status" = "$EXPECTED" ] || { cat "$place/said" >&2; echo "the installer ended with $status" >&2; exit 1; }
cp -r "$place/files/." "$place/overlay/root/"
if [ -e "$place/overlay/upper/etc/systemd/system/sysinit.target.wants/vgpu-shim-recover.service" ] && [ "$CONFIRM" != 0 ]; then
  touch "$place/overlay/root/boot-test/heals"
fi
tar -C "$place/overlay/upper" -cf "$layer" .
`;

/** @returns the path of the layer, in a folder that `remove` takes away */
export function makeLayer(image: Image, scenario: Scenario): { path: string; remove(): void } {
  const place = mkdtempSync(join(tmpdir(), 'vgpu-layer-'));
  const remove = () => rmSync(place, { recursive: true, force: true });
  try {
    mkdirSync(join(place, 'overlay'));
    furnish(join(place, 'files'), scenario);
    const path = join(place, 'layer.tar');
    const words = ['--mount', 'sh', '-c', MAKE, 'sh', image.tree, place, path, process.execPath, cli];
    execFileSync('unshare', words, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...installerEnvironment(image, scenario) },
    });
    return { path, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function installerEnvironment(image: Image, { installed }: Scenario): Record<string, string> {
  if (installed === false) return { INSTALL: '', CONFIRM: '0', EXPECTED: '0', KILLING: '' };
  if (installed === true) return { INSTALL: 'yes', CONFIRM: '0', EXPECTED: '0', KILLING: '' };
  return {
    INSTALL: 'yes',
    CONFIRM: '600',
    EXPECTED: '137',
    KILLING: join(shim, 'test/libkill_at.so'),
    VGPU_TEST_KILL_AT: String(changesOfInstallation(image) - installed + 1),
  };
}

let counted: number | undefined;

function changesOfInstallation(image: Image): number {
  if (counted !== undefined) return counted;
  const place = mkdtempSync(join(tmpdir(), 'vgpu-layer-'));
  mkdirSync(join(place, 'overlay'));
  mkdirSync(join(place, 'files'));
  const count = join(place, 'count');
  const words = ['--mount', 'sh', '-c', MAKE, 'sh', image.tree, place, '/dev/null', process.execPath, cli];
  const env = { INSTALL: 'yes', CONFIRM: '600', EXPECTED: '0', KILLING: join(shim, 'test/libkill_at.so') };
  const { status, stderr } = spawnSync('unshare', words, {
    encoding: 'utf8',
    env: { ...process.env, ...env, VGPU_TEST_COUNT: count },
  });
  if (status !== 0) throw new Error(`counting the changes of an installation: ${stderr}`);
  counted = Number(readFileSync(count, 'utf8'));
  rmSync(place, { recursive: true });
  return counted;
}

/** The CLI and what it needs, and what is to be done with it. */
function addWork(files: string, work: string, cut: Scenario['cut']): void {
  const at = (...names: string[]) => join(files, ...names);
  copyFileSync(join(import.meta.dirname, `guest/${work}.sh`), at('boot-test/work.sh'));
  if (work === 'changes') copyFileSync(join(shim, 'test/libkill_at.so'), at('boot-test/libkill_at.so'));
  if (cut !== undefined) {
    writeFileSync(at('boot-test/cut'), `${cut.step} ${cut.seconds}\n`);
    writeFileSync(at('boot-test/heals'), '');
  }
  const library = at('opt/vgpu/node_modules/@vgpu/preload-shim');
  mkdirSync(library, { recursive: true });
  copyFileSync(process.execPath, at('opt/vgpu/node'));
  chmodSync(at('opt/vgpu/node'), 0o755);
  const copies = [
    [join(packages, 'cli'), at('opt/vgpu/cli'), ['package.json', 'dist']],
    [
      join(packages, 'preload-shim'),
      library,
      ['package.json', 'dist', 'build/native/lib', 'build/native/bin'],
    ],
  ] as const;
  for (const [from, to, names] of copies) {
    for (const name of names)
      cpSync(join(from, name), join(to, name), { recursive: true, verbatimSymlinks: true });
  }
}

/** A layer after which a boot does what any other does. */
export function makeEmptyLayer(folder: string): string {
  mkdirSync(join(folder, 'boot-test'));
  writeFileSync(join(folder, 'boot-test/work.sh'), '');
  execFileSync('tar', ['-C', folder, '-cf', join(folder, 'empty.tar'), 'boot-test']);
  return join(folder, 'empty.tar');
}

function furnish(files: string, { executor, script = '', work, cut }: Scenario): void {
  const at = (...names: string[]) => join(files, ...names);
  mkdirSync(at('boot-test'), { recursive: true });
  copyFileSync(join(shim, 'bin/vgpu-self-test'), at('boot-test/vgpu-self-test'));
  writeFileSync(at('boot-test/scenario.sh'), `${script}\n`);
  if (work !== undefined) addWork(files, work, cut);
  if (executor === undefined) return;
  copyFileSync(join(packages, 'executor/build/native/bin/vgpu-executor'), at('boot-test/vgpu-executor'));
  copyFileSync(join(import.meta.dirname, 'guest/peer.pl'), at('boot-test/peer.pl'));
  const isReal = executor === 'executor' || executor === 'stopped';
  const command = isReal
    ? `/boot-test/vgpu-executor --listen unix:${SOCKET} --backend software --memory 64M`
    : `/usr/bin/perl /boot-test/peer.pl ${executor} ${SOCKET}`;
  const units = 'etc/systemd/system';
  mkdirSync(at(units, 'boot-test-report.service.d'), { recursive: true });
  // Early, so that whoever asks during the boot meets it.
  const unit = `[Unit]
DefaultDependencies=no
After=local-fs.target
[Service]
User=tester
RuntimeDirectory=vgpu
RuntimeDirectoryPreserve=yes
ExecStart=${command}
${executor === 'stopped' ? STOP : ''}`;
  writeFileSync(at(units, 'boot-test-executor.service'), unit);
  const wanted = '[Unit]\nWants=boot-test-executor.service\nAfter=boot-test-executor.service\n';
  writeFileSync(at(units, 'boot-test-report.service.d/executor.conf'), wanted);
}
