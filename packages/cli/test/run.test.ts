import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireCommands } from '@vgpu/toolchain/system-packages';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { finished, Installation, printed } from './stand-in.js';

const vgpu = new Installation();
afterAll(() => vgpu.remove());
beforeEach(() => void vgpu.takeLog());

const sh = (script: string, ...args: string[]) => ['run', '--', '/bin/sh', '-c', script, 'sh', ...args];

describe('exit code', () => {
  it.each([0, 1, 3, 125, 127, 255])('%i is passed on', async (code) => {
    const result = await vgpu.run(sh(`exit ${code}`));
    expect(result).toMatchObject({ code, signal: null, stderr: '' });
  });

  // SIGPIPE is ignored by Node itself, SIGSEGV caught, SIGUSR1 starts its debugger: each is a case of its own.
  it.each(['SIGTERM', 'SIGINT', 'SIGKILL', 'SIGSEGV', 'SIGABRT', 'SIGPIPE', 'SIGUSR1'] as const)(
    'dies of %s when the program did',
    async (signal) => {
      const result = await vgpu.run(sh(`kill -${signal.slice(3)} $$; sleep 5`));
      expect(result).toMatchObject({ code: null, signal });
      expect(vgpu.takeLog()).toEqual(['start auto', 'stop unix:/stand-in/own.sock']);
    },
  );

  it('a program that dies leaves no core file of vgpu in its folder', async () => {
    await vgpu.run(['run', '--', '/bin/sh', '-c', 'kill -ABRT $$'], { cwd: vgpu.folder });
    expect(existsSync(join(vgpu.folder, 'core'))).toBe(false);
  });
});

describe('standard streams', () => {
  it('pass every byte, both ways, and a lot of them', async () => {
    const input = randomBytes(16 << 20);
    const result = await vgpu.run(['run', '--', 'cat'], { input });
    expect(result.code).toBe(0);
    expect(result.stdout.equals(input)).toBe(true);
  });

  it('keep stdout and stderr apart, and add nothing when stderr is not a terminal', async () => {
    const result = await vgpu.run(sh('printf out; printf err >&2'));
    expect(result.stdout.toString()).toBe('out');
    expect(result.stderr).toBe('err');
  });

  it('a reader that goes away ends the program with SIGPIPE, as without vgpu', async () => {
    const pipeline = spawn(
      '/bin/sh',
      ['-c', '"$0" "$1" run -- yes | head -n 1', process.execPath, vgpu.cli],
      {
        env: { ...process.env, STAND_IN_LOG: vgpu.log },
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    );
    const result = await finished(pipeline);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout.toString()).toBe('y\n');
    await expect.poll(() => vgpu.takeLog().at(-1), { timeout: 5000 }).toBe('stop unix:/stand-in/own.sock');
  });
});

describe('signals', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGCONT'] as const)(
    '%s reaches the program, which decides what it means',
    async (signal) => {
      const name = signal.slice(3);
      const child = vgpu.start(
        sh(`trap 'echo got ${name}; exit 7' ${name}; echo ready; while :; do sleep 0.05; done`),
      );
      const result = finished(child);
      await printed(child, 'ready');
      child.kill(signal);
      expect((await result).stdout.toString()).toBe(`ready\ngot ${name}\n`);
      expect(await result).toMatchObject({ code: 7, stderr: '' });
    },
  );

  it('a program that does not catch it dies, and vgpu the same way', async () => {
    const child = vgpu.start(sh('echo ready; exec sleep 20'));
    const result = finished(child);
    await printed(child, 'ready');
    child.kill('SIGTERM');
    expect(await result).toMatchObject({ code: null, signal: 'SIGTERM' });
    expect(vgpu.takeLog().at(-1)).toBe('stop unix:/stand-in/own.sock');
  });

  it('SIGTSTP stops both, SIGCONT lets both go on', async () => {
    const child = vgpu.start(sh('echo $$; read line; echo "$line"'));
    const result = finished(child);
    let pid = '';
    child.stdout.once('data', (chunk: Buffer) => {
      pid = chunk.toString().trim();
    });
    await printed(child, '\n');
    child.kill('SIGTSTP');
    await expect.poll(() => [state(String(child.pid)), state(pid)]).toEqual(['T', 'T']);
    child.kill('SIGCONT');
    child.stdin.end('on\n');
    expect((await result).stdout.toString()).toBe(`${pid}\non\n`);
    expect(await result).toMatchObject({ code: 0, signal: null });
  });

  it('one that arrives before the program has started aborts the start', async () => {
    const child = vgpu.start(sh('echo never'), { env: { STAND_IN_SLOW: '1' } });
    const result = finished(child);
    await expect.poll(() => existsSync(vgpu.log)).toBe(true);
    child.kill('SIGINT');
    expect(await result).toMatchObject({ code: null, signal: 'SIGINT', stderr: '' });
    expect(vgpu.takeLog()).toEqual(['start auto', 'aborted']);
  });
});

describe('at a terminal', () => {
  // script(1) runs a command on a terminal of its own and hands over what is typed.
  const terminal = (command: string, env: NodeJS.ProcessEnv = {}) =>
    spawn('script', ['-qec', `exec '${process.execPath}' '${vgpu.cli}' ${command}`, '/dev/null'], {
      env: { ...process.env, STAND_IN_LOG: vgpu.log, SHELL: '/bin/sh', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });

  it('says which device serves, unless --quiet', async () => {
    const { stdout } = await finished(terminal('run true'));
    expect(stdout.toString()).toContain('vgpu: true runs on Stand-in GPU, 2.0 GiB (software backend)');
    expect((await finished(terminal('run --quiet true'))).stdout.toString()).not.toContain('Stand-in GPU');
  });

  it('shows why a CUDA call failed, and only that', async () => {
    const env = {
      STAND_IN_LINES: 'T info [p/1] connected|T warning [p/1] cuLaunchKernel gives 700: null pointer',
    };
    const { stdout } = await finished(terminal('run true', env));
    expect(stdout.toString()).toContain('vgpu: cuLaunchKernel gives 700: null pointer\r\n');
    expect(stdout.toString()).not.toContain('connected');
  });

  it('Ctrl-C reaches the program once, not twice', async () => {
    const count = vgpu.write(
      'count.cjs',
      `#!${process.execPath}
      let count = 0;
      process.on('SIGINT', () => count++);
      setTimeout(() => { console.log('count=' + count); process.exitCode = 5; }, 500);
      console.log('ready');`,
    );
    const child = terminal(`run --quiet ${count}`);
    const result = finished(child);
    await printed(child, 'ready');
    child.stdin.write('\x03');
    expect((await result).stdout.toString()).toContain('count=1');
    expect(await result).toMatchObject({ code: 5 });
  });
});

describe('what the program is given', () => {
  const show = sh('echo "$LD_PRELOAD|$LD_LIBRARY_PATH|$VGPU_EXECUTOR|$#|$3"', '--gpu', 'x', 'two words');

  it('our library first, and the arguments untouched', async () => {
    const result = await vgpu.run(show, { env: { LD_LIBRARY_PATH: '', LD_PRELOAD: undefined } });
    const guest = join(vgpu.folder, 'guest');
    expect(result.stdout.toString()).toBe(`${vgpu.library}|${guest}|unix:/stand-in/own.sock|3|two words\n`);
  });

  it('keeps what was there behind it', async () => {
    const result = await vgpu.run(sh('echo "$LD_LIBRARY_PATH"'), { env: { LD_LIBRARY_PATH: '/a:/b' } });
    expect(result.stdout.toString()).toBe(`${join(vgpu.folder, 'guest')}:/a:/b\n`);
  });

  it('runs in the folder where vgpu was called', async () => {
    const result = await vgpu.run(['run', 'pwd'], { cwd: '/usr' });
    expect(result.stdout.toString()).toBe('/usr\n');
  });

  it('options behind the name are its own, with and without --', async () => {
    const result = await vgpu.run(['run', '--gpu', 'software', 'echo', '--gpu', '--quiet', '--', '-n']);
    expect(result.stdout.toString()).toBe('--gpu --quiet -- -n\n');
    expect(vgpu.takeLog()[0]).toBe('start software');
  });
});

describe('executor', () => {
  it('given by URL is used and asked what it serves', async () => {
    await vgpu.run(['run', '--executor', 'unix:/there.sock', 'true']);
    expect(vgpu.takeLog()).toEqual(['connect unix:/there.sock', 'stop unix:/there.sock']);
  });

  it('at a vsock address is used unasked, since Node cannot connect there', async () => {
    const args = ['--', '/bin/sh', '-c', 'printf %s "$VGPU_EXECUTOR"'];
    const result = await vgpu.run(['run', '--executor', 'vsock:2:4000', ...args]);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout.toString()).toBe('vsock:2:4000');
    expect(vgpu.takeLog()).toEqual([]);
    for (const url of [
      'vsock:2',
      'vsock:any:4000',
      'vsock:2:4294967295',
      'vsock:4294967295:1',
      'vsock:2:4000:1',
    ]) {
      const wrong = await vgpu.run(['run', '--executor', url, ...args]);
      expect(wrong, url).toMatchObject({ code: 125, stderr: expect.stringContaining(url) });
    }
  });

  it('is taken from VGPU_EXECUTOR, unless --gpu asks for one of its own', async () => {
    const env = { VGPU_EXECUTOR: 'unix:/env.sock' };
    await vgpu.run(['run', 'true'], { env });
    expect(vgpu.takeLog()[0]).toBe('connect unix:/env.sock');
    await vgpu.run(['run', '--gpu', 'real', 'true'], { env });
    expect(vgpu.takeLog()[0]).toBe('start real');
  });

  it('logs into the file of VGPU_LOG, and nowhere else where there is no terminal', async () => {
    const file = join(vgpu.folder, 'vgpu.log');
    const env = { VGPU_LOG: file, STAND_IN_LINES: 'T info [p/1] connected|T error [p/1] trouble' };
    expect(await vgpu.run(['run', 'true'], { env })).toMatchObject({ code: 0, stderr: '' });
    expect(readFileSync(file, 'utf8')).toBe('T info [p/1] connected\nT error [p/1] trouble\n');
    const lost = { ...env, VGPU_LOG: '/no/such/folder/log' };
    expect(await vgpu.run(['run', 'true'], { env: lost })).toMatchObject({ code: 0, stderr: '' });
  });

  it('that cannot start is an error with code, cause and remedy', async () => {
    const result = await vgpu.run(['run', 'true'], { env: { STAND_IN_FAILS: '1' } });
    expect(result.code).toBe(125);
    expect(result.stderr).toBe(
      'vgpu: no GPU answers [ERR_VGPU_NO_GPU]\n  cause: libcuda.so.1 is missing\n  remedy: use --gpu software\n',
    );
  });

  it('is stopped when the program cannot be started', async () => {
    const script = vgpu.write('orphan', '#!/no/such/interpreter\n');
    const result = await vgpu.run(['run', script]);
    expect(result.code).toBe(127);
    expect(result.stderr).toContain('ERR_VGPU_PROGRAM_NOT_FOUND');
    expect(vgpu.takeLog().at(-1)).toBe('stop unix:/stand-in/own.sock');
  });
});

describe('an executor that does not stop well', () => {
  it("is reported, and the program's exit code is kept", async () => {
    const result = await vgpu.run(sh('exit 3'), { env: { STAND_IN_STOP: 'fails' } });
    expect(result).toMatchObject({ code: 3, stderr: 'vgpu: stuck [ERR_VGPU_STUCK]\n' });
  });

  it('does not keep vgpu from being interrupted', async () => {
    const child = vgpu.start(sh('exit 3'), { env: { STAND_IN_STOP: 'hangs' } });
    const result = finished(child);
    await expect.poll(() => existsSync(vgpu.log) && readFileSync(vgpu.log, 'utf8')).toContain('stop');
    child.kill('SIGINT');
    expect(await result).toMatchObject({ signal: 'SIGINT' });
  });
});

it('nothing of the array packages is loaded: this installation has none of them', async () => {
  expect(await vgpu.run(['run', 'true'])).toMatchObject({ code: 0, stderr: '' });
  const { code, stderr } = await vgpu.run(['file', 'verify', '/etc/passwd']);
  expect(code).toBe(1);
  expect(stderr).toContain("Cannot find package '@vgpu/array'");
});

describe('wrong use', () => {
  it.each([
    ['a program that is not in PATH', ['run', 'no-such-program'], 127, 'ERR_VGPU_PROGRAM_NOT_FOUND'],
    ['a path that is not there', ['run', './no/such'], 127, 'ERR_VGPU_PROGRAM_NOT_FOUND'],
    ['a folder', ['run', '/usr/bin/'], 126, 'ERR_VGPU_PROGRAM_NOT_EXECUTABLE'],
    ['a file that is not executable', ['run', '/etc/passwd'], 126, 'ERR_VGPU_PROGRAM_NOT_EXECUTABLE'],
    ['an unknown option', ['run', '--cpu', 'true'], 125, "unknown option '--cpu'"],
    ['an unknown GPU', ['run', '--gpu', 'fast', 'true'], 125, "'fast' is invalid"],
    [
      '--gpu with --executor',
      ['run', '--gpu', 'real', '--executor', 'unix:/x', 'true'],
      125,
      'cannot be used',
    ],
    ['no program', ['run'], 125, "missing required argument 'program'"],
    ['an unknown command', ['walk'], 1, "unknown command 'walk'"],
  ])('%s is refused before anything starts', async (_, args, code, text) => {
    const result = await vgpu.run(args);
    expect(result.code).toBe(code);
    expect(result.stderr).toContain(text);
    expect(result.stdout.toString()).toBe('');
    expect(vgpu.takeLog()).toEqual([]);
  });

  it('a library path that the loader would split is refused', async () => {
    const spaced = new Installation({ library: '/opt/my tools/libvgpu_cuda.so' });
    try {
      const result = await spaced.run(['run', 'true']);
      expect(result).toMatchObject({ code: 125 });
      expect(result.stderr).toContain('ERR_VGPU_PRELOAD_PATH');
    } finally {
      spaced.remove();
    }
  });
});

describe('a program that cannot be preloaded', () => {
  it('setuid of another user: says so, and runs it', async () => {
    // Root may make one; anybody else finds one, because a setuid program of one's own changes nothing.
    const root = process.getuid?.() === 0;
    const program = root ? join(vgpu.folder, 'setuid') : '/usr/bin/su';
    if (root) {
      copyFileSync('/bin/true', program);
      chownSync(program, 65534, 65534);
      chmodSync(program, 0o4755);
    }
    const result = await vgpu.run(['run', program, '--version']);
    expect(result.code).toBe(0);
    expect(result.stderr).toMatch(/^vgpu: warning: .* will not see the GPU: it is setuid or setgid/);
  });

  it('statically linked: says so, and --quiet does not', async () => {
    const program = vgpu.write('static', staticProgram());
    const result = await vgpu.run(['run', program]);
    expect(result.code).toBe(42);
    expect(result.stderr).toMatch(/^vgpu: warning: .*statically linked.*\n$/);
    expect((await vgpu.run(['run', '--quiet', program])).stderr).toBe('');
  });

  it('with musl, whose loader would fail: runs without the library, and says so', async () => {
    requireCommands(['musl-gcc']);
    const program = join(vgpu.folder, 'musl');
    execFileSync('musl-gcc', ['-x', 'c', '-o', program, '-'], { input: 'int main(void) { return 42; }' });
    const result = await vgpu.run(['run', program]);
    expect(result.code).toBe(42);
    expect(result.stderr).toMatch(/^vgpu: warning: .*musl.*\n$/);
  });

  it('an ordinary program gets no warning, a script neither, nor a file too short to be anything', async () => {
    expect((await vgpu.run(['run', '/bin/true'])).stderr).toBe('');
    expect((await vgpu.run(['run', vgpu.write('script', '#!/bin/sh\nexit 4\n')])).stderr).toBe('');
    writeFileSync(join(vgpu.folder, 'empty'), '');
    chmodSync(join(vgpu.folder, 'empty'), 0o755);
    expect(await vgpu.run(['run', join(vgpu.folder, 'empty')])).toMatchObject({ stderr: '' });
  });
});

/** The smallest ELF program for x86-64: one segment, no loader, exit(42). */
function staticProgram(): Buffer {
  const code = Buffer.from([0xb8, 60, 0, 0, 0, 0xbf, 42, 0, 0, 0, 0x0f, 0x05]);
  const header = Buffer.alloc(64);
  header.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  header.writeUInt16LE(2, 16); // executable
  header.writeUInt16LE(62, 18); // x86-64
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(0x400078n, 24); // entry point
  header.writeBigUInt64LE(64n, 32); // program headers
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  const segment = Buffer.alloc(56);
  segment.writeUInt32LE(1, 0); // load
  segment.writeUInt32LE(5, 4); // readable, executable
  segment.writeBigUInt64LE(0x400000n, 16);
  segment.writeBigUInt64LE(BigInt(120 + code.length), 32);
  segment.writeBigUInt64LE(BigInt(120 + code.length), 40);
  segment.writeBigUInt64LE(0x1000n, 48);
  return Buffer.concat([header, segment, code]);
}

/** The scheduler's letter for a process: T is stopped. */
function state(pid: string): string | undefined {
  return /\) (\w)/.exec(readStat(pid))?.[1];
}

function readStat(pid: string): string {
  return existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
}
