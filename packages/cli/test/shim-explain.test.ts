import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { guestLibrary } from '@vgpu/preload-shim';
import { afterAll, describe, expect, it } from 'vitest';
import { failureSchema, shimExplainSchema } from './schemas.js';
import { ended, Folder, start } from './vgpu.js';

const folder = new Folder();
afterAll(() => folder.remove());

async function explain(operand: string, environment: NodeJS.ProcessEnv = {}) {
  const env = { ...process.env, ...environment };
  const { code, stdout } = await ended(start(['shim', 'explain', '--json', operand], { env }));
  expect(code).toBe(0);
  return shimExplainSchema.parse(JSON.parse(stdout));
}

describe('vgpu shim explain', { timeout: 60_000 }, () => {
  it('says why a program is refused, deferred or early', async () => {
    expect(await explain('/bin/true')).toMatchObject({ class: 'deferred', name: 'true', ignored: null });
    expect(await explain('su')).toMatchObject({ class: 'refused' });
    expect(await explain('true', { VGPU_EARLY_INIT: '1' })).toMatchObject({
      class: 'early',
      reason: 'VGPU_EARLY_INIT is set',
    });
  });

  it('says what is wrong with the configuration', async () => {
    const path = folder.at('shim.conf');
    writeFileSync(path, 'executor = unix:/s\nearly_init = true\n');
    const found = await explain('true', { VGPU_SHIM_CONFIGURATION: path });
    expect(found).toMatchObject({
      class: 'deferred',
      configuration: { path, line: 2, problem: 'there is no such setting', executor: null },
    });
    const { stdout } = await ended(
      start(['shim', 'explain', 'true'], { env: { ...process.env, VGPU_SHIM_CONFIGURATION: path } }),
    );
    expect(stdout).toContain(`${path}, line 2: there is no such setting`);
  });

  it('reads the state of a running process from its memory', async () => {
    const { library } = guestLibrary();
    // It says when it has started, and so the library's decision is made.
    const child = spawn('/bin/sh', ['-c', 'echo started; read line'], {
      env: { LD_PRELOAD: library, VGPU_DISABLE: '1' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const found = await explain(String(child.pid));
    child.stdin.end();
    expect(found).toMatchObject({ class: 'refused', state: 'refused', library, name: 'sh' });
  });

  it('says that a process has not loaded the library', async () => {
    expect(await explain(String(process.pid))).toMatchObject({ library: null, state: null });
  });

  it('says that a program without a loader ignores the library', async () => {
    const path = folder.at('thirty-two');
    copyFileSync('/bin/true', path);
    const bytes = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1, 0]);
    writeFileSync(path, Buffer.concat([bytes, Buffer.alloc(120)]));
    chmodSync(path, 0o755);
    expect((await explain(path)).ignored).toContain('32-bit');
  });

  it.each([
    ['4194999', 'ERR_VGPU_NO_PROCESS'],
    ['no-such-program', 'ERR_VGPU_PROGRAM_NOT_FOUND'],
  ])('%s fails with %s', async (operand, code) => {
    const { stdout, code: status } = await ended(start(['shim', 'explain', '--json', operand]));
    expect(status).toBe(1);
    expect(failureSchema.parse(JSON.parse(stdout)).error.code).toBe(code);
  });
});
