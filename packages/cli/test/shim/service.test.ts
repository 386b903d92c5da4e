// Services that do not do what systemctl was told: each is noticed within the limit, and said by name.
import { chmodSync, copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { guestLibrary } from '@vgpu/preload-shim';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { restartWithLibrary, systemctl } from '../../src/shim/service.js';
import { Folder } from '../vgpu.js';

const SERVICE = 'test.service';
/** It passes in full where something never comes. */
const LIMIT_MS = 1500;

describe('restarting a service with the library', { timeout: 60_000 }, () => {
  let folder: Folder;
  beforeEach(async () => {
    folder = new Folder();
    copyFileSync(join(import.meta.dirname, 'systemctl.sh'), folder.at('systemctl'));
    chmodSync(folder.at('systemctl'), 0o755);
    vi.stubEnv('PATH', `${folder.at('.')}:${process.env.PATH}`);
    vi.stubEnv('STATE', folder.at('services'));
    expect((await systemctl('start', SERVICE)).code).toBe(0);
  });
  afterEach(async () => {
    vi.stubEnv('FAULT', '');
    expect((await systemctl('stop', SERVICE)).code).toBe(0);
    vi.unstubAllEnvs();
    folder.remove();
  });

  const mainProcess = () => Number(readFileSync(folder.at(`services/${SERVICE}`), 'utf8'));

  it.each([
    ['lingers', 'test.service has not stopped within 1.5 s'],
    ['idles', 'test.service is not active within 1.5 s'],
    ['bare', /^the main process of test\.service does not have .*libvgpu_cuda\.so within 1\.5 s$/],
  ])('is noticed when it %s', async (fault, complaint) => {
    const before = mainProcess();
    vi.stubEnv('FAULT', fault);
    const restart = restartWithLibrary(
      SERVICE,
      guestLibrary().library,
      new AbortController().signal,
      LIMIT_MS,
    );
    await expect(restart).rejects.toMatchObject({
      code: 'ERR_VGPU_SHIM_SERVICE',
      message: expect.stringMatching(complaint),
    });
    if (fault === 'bare') expect(mainProcess()).not.toBe(before);
  });

  it('ends when it is called off', async () => {
    vi.stubEnv('FAULT', 'lingers');
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(restartWithLibrary(SERVICE, guestLibrary().library, signal)).rejects.toThrow('abort');
  });
});
