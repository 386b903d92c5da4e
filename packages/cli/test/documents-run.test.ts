// What the documents tell people to type, done: each block of commands by bash, on a machine of its own that has what its
// reader would have. What is not done says why.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireCommands } from '@vgpu/toolchain/system-packages';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Block, blocksOf, documents, root } from './documents.js';
import { Machine, machineObstacle } from './shim/machine.js';
import { cli, ended, goldenPath, start } from './vgpu.js';

const obstacle = machineObstacle();
if (obstacle) console.warn(`skipped: ${obstacle}`);

const NOT_DONE: readonly (readonly [RegExp, string])[] = [
  [/^npx -y pnpm@\S+ (demo|test)$/, '.ci/run does it'],
  [/^pnpm (test|test:sanitize|build:native|soak)$/, '.ci/run does it, or its short form'],
  [/executor_fuzz \d/, 'the tests of the executor do it, with fewer frames'],
  [/^pnpm test:llama$|^pnpm vgpu run -- node program\.mjs$/, 'fetches 190 MB: a test run of its own'],
  [/^vgpu demo/, 'demo-run.test.ts does it'],
  [
    /^npm install .*@vgpu\/cli|^npx --no-install vgpu /,
    'pnpm release:check does it, with a registry of its own',
  ],
  [/^vgpu torture memory/, 'torture.test.ts does the short form, which wants memory to itself'],
  [
    /^((pnpm )?vgpu run .*)?\bpython3? /,
    "needs the reader's Python program, or NumPy; run.test.ts runs scripts",
  ],
  [/^nvcc /, 'needs the CUDA toolkit; what it makes is in the tests of preload-shim'],
  [
    / --(follow|watch)$|--watch /,
    'goes on until it is stopped; executor.test.ts and telemetry.test.ts stop it',
  ],
  [/vsock:/, 'needs a virtual machine and its host'],
  [/--executor tcp:192\.0\.2\.1:4000 /, 'names another machine; docs/executor.md does it with a token'],
  [/ --root \/mnt( |$)/, 'a system that does not run: shim/undo.test.ts makes one'],
  [/^VGPU_DISABLE=1 /, 'a CUDA program without its libraries; the constructor tests of preload-shim do it'],
];

/** What a reader has done before, or has. `matrix.pycauset` and others are on the machine already. */
const BEFORE: readonly (readonly [RegExp, string])[] = [
  [
    / --executor unix:\/run\/vgpu\/executor\.sock/,
    `vgpu-executor --listen unix:/run/vgpu/executor.sock &\n${waitFor('[ -S /run/vgpu/executor.sock ]')}`,
  ],
  [/^(?:pnpm )?vgpu file (?:create|import|export|convert) .*?(\S+)$/, 'rm -f $1'],
  [/ from-pycauset\.pycauset /, `cp '${goldenPath('unloadable/symmetric_f64_7x7')}' from-pycauset.pycauset`],
  [/^vgpu file convert from-pycauset/, `cp '${goldenPath('dense_f64_7x7')}' from-pycauset.pycauset`],
  [
    /^sudo vgpu shim install (?!--dry-run)/,
    '[ ! -e /usr/lib/vgpu-shim/current ] || sudo vgpu shim uninstall',
  ],
  [/^vgpu executor start --memory/, 'vgpu executor stop; (umask 077; openssl rand -hex 32 > secret)'],
  [
    /^vgpu executor serve --listen tcp/,
    'vgpu executor stop; (umask 077; openssl rand -hex 32 > /etc/vgpu/token)',
  ],
  [/^vgpu (ps|executor (stop|logs|status))$/, 'vgpu executor status > status || vgpu executor start'],
  [
    /^sudo vgpu shim (confirm|verify|rollback|uninstall)$|^\/usr\/lib\/vgpu-shim\/current\//,
    '[ -e /usr/lib/vgpu-shim/current ] || sudo vgpu shim install --confirm-within 0',
  ],
  [/^vgpu-executor|^vgpu executor serve/, 'rm -f /run/vgpu/executor.sock'],
];

/** They end with 3 where something is as on this machine. */
const MAY_FIND = /^(pnpm )?vgpu (doctor|shim (status|explain))\b/;

const reasonNotToDo = (command: string) => NOT_DONE.find(([pattern]) => pattern.test(command))?.[1];
const blocks = documents.flatMap(blocksOf);
const typed = new Set<string>();
/** Without blocks that repeat what others have. */
const done = blocks
  .map((block) => ({ ...block, commands: block.commands.filter((command) => !reasonNotToDo(command)) }))
  .filter(({ commands }) => {
    const fresh = commands.map((command) => command.replace(/^pnpm /, '')).filter((it) => !typed.has(it));
    for (const command of fresh) typed.add(command);
    return fresh.length > 0;
  });

const folder = mkdtempSync(join(tmpdir(), 'vgpu-documents-'));
const shim = join(root, 'packages/preload-shim/build/native/bin/vgpu-self-test');
const executor = join(root, 'packages/executor/build/native/bin/vgpu-executor');

/** The machine of a reader: programs, files, a service, and ways to type `vgpu`, `pnpm vgpu` and `sudo`. */
const SETUP = `
mkdir -p /opt/reader /work /run/systemd/system /run/vgpu /run/reader /etc/vgpu /mnt/etc /data/arrays /data/scratch /var/log/vgpu
mkdir -p /home/reader/.zfunc /home/reader/.config/fish/completions /usr/local/lib/ollama/cuda_v12
chmod 700 /run/reader
cp '${shim}' /work/program
for name in /work/tests /work/kmeans /work/simulation /opt/reader/ollama /usr/local/lib/ollama/cuda_v12/libggml-cuda.so; do
  ln /work/program "$name"
done
echo 'add_test(program ./program)' > /work/CTestTestfile.cmake
echo /usr/lib/vgpu-shim/current/libvgpu_cuda.so > /mnt/etc/ld.so.preload
sed 's/test\\.service/ollama.service/' '${join(import.meta.dirname, 'shim/systemctl.sh')}' > /opt/reader/systemctl
printf '#!/bin/sh\\nexec "%s" "%s" "$@"\\n' '${process.execPath}' '${cli}' > /opt/reader/vgpu
printf '#!/bin/sh\\n[ "$1" = vgpu ] && shift && exec vgpu "$@"\\nexit 99\\n' > /opt/reader/pnpm
# Whoever may do everything, and says yes.
cat > /opt/reader/sudo <<'END'
#!/bin/sh
case "$*" in "vgpu shim install"* | "vgpu shim rollback"* | "vgpu shim uninstall"*) exec "$@" --yes ;; esac
exec "$@"
END
chmod +x /opt/reader/*
ln -s '${executor}' /opt/reader/vgpu-executor
[ -e /usr/bin/sudo ] || cp /bin/true /usr/bin/sudo
cp '${folder}'/* /work
/opt/reader/systemctl start ollama.service
`;

/** As typed, but for addresses, for what waits for a person, and for servers, which go to the background. */
function scriptFor({ commands }: Block, port: number): string {
  const lines = commands.flatMap((command) => {
    const before = BEFORE.flatMap(([pattern, preparation]) => {
      const match = pattern.exec(command);
      return match ? [preparation.replace('$1', match[1] ?? '')] : [];
    });
    const here = command
      .replace(/tcp:(0\.0\.0\.0|192\.0\.2\.1):4000/g, `tcp:127.0.0.1:${port}`)
      .replace(/ explain 4711$/, ' explain $$$$');
    if (/^(vgpu-executor|vgpu executor serve) /.test(here))
      return [...before, `${here} &`, waitFor(listens(here, port))];
    return [...before, MAY_FIND.test(here) ? `${here} || [ $? = 3 ]` : here];
  });
  const end = [
    'set +x; kill $(jobs -p) 2> /dev/null || true',
    'vgpu executor stop 2> /dev/null || true',
    'if [ -e /usr/lib/vgpu-shim/current ]; then vgpu shim uninstall --yes 2> /dev/null; fi',
  ].join('; ');
  return [`trap '${end}' EXIT`, 'set -x', ...lines].join('\n');
}

function waitFor(condition: string): string {
  return `for attempt in {1..600}; do if ${condition}; then break; fi; sleep 0.1; done; ${condition}`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

function listens(server: string, port: number): string {
  const [, socket] = /--listen unix:(\S+)/.exec(server) ?? [];
  return socket ? `[ -S ${socket} ]` : `(: > /dev/tcp/127.0.0.1/${port}) 2> /dev/null`;
}

/** The files that documents name. */
async function makeFiles(): Promise<void> {
  const run = async (...args: string[]) => {
    const { code, stderr } = await ended(start(['file', ...args]));
    expect(code, stderr).toBe(0);
  };
  const at = (name: string) => join(folder, name);
  await run('create', '--rows', '4', '--columns', '4', '--fill', 'identity', at('matrix.pycauset'));
  await run('export', at('matrix.pycauset'), at('a.npy'));
  const list = ['--rows', '1', '--columns', '1000', '--dtype'];
  await run('create', ...list, 'f32', '--fill', 'random:7', at('keys.pycauset'));
  await run('create', ...list, 'u32', '--fill', 'index', at('values.pycauset'));
  await run('export', at('keys.pycauset'), at('scores.npy'));
  const pairs = ['--columns', '2', '--dtype'];
  await run('create', '--rows', '100', ...pairs, 'f32', '--fill', 'random:7', at('points.pycauset'));
  await run('create', '--rows', '50', ...pairs, 'u32', '--fill', 'index', at('edges.pycauset'));
  for (const name of ['doubles.pycauset', 'dense.pycauset']) copyFileSync(at('matrix.pycauset'), at(name));
  for (const name of ['b.npy', 'in.npy']) copyFileSync(at('a.npy'), at(name));
  copyFileSync(at('scores.npy'), at('measurements.npy'));
}

it('what is not done, and why', () => {
  const reasons = new Map(
    blocks.flatMap(({ commands }) => commands).map((command) => [command, reasonNotToDo(command)]),
  );
  for (const [command, reason] of reasons) if (reason) console.log(`not run: ${command}: ${reason}`);
  const unused = NOT_DONE.filter(
    ([pattern]) => ![...reasons.keys()].some((command) => pattern.test(command)),
  );
  expect(unused).toEqual([]);
  expect([...reasons.values()].filter((reason) => reason === undefined).length).toBeGreaterThan(60);
});

describe.skipIf(obstacle !== undefined)('a reader types', { timeout: 300_000 }, () => {
  beforeAll(async () => {
    requireCommands(['openssl', 'jq']);
    await makeFiles();
  }, 300_000);
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each(done.map((block) => [block.path, block.line, block] as const))('%s:%i', async (_, _line, block) => {
    const machine = await Machine.start();
    try {
      const environment = {
        PATH: `/opt/reader:${process.env.PATH}`,
        HOME: '/home/reader',
        XDG_RUNTIME_DIR: '/run/reader',
      };
      const prepared = await machine.shell(SETUP, environment);
      expect(prepared.code, prepared.stderr).toBe(0);
      const script = `cd /work\n${scriptFor(block, await freePort())}`;
      const { code, stderr } = await machine.run(['bash', '-ec', script], environment);
      expect(code, stderr).toBe(0);
    } finally {
      await machine.shell('systemctl stop ollama.service', { PATH: `/opt/reader:${process.env.PATH}` });
      await machine.stop();
    }
  });
});
