import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { CUT_EVENTS, SAMPLE_EVENTS } from './profile-samples.js';
import { profileSchema } from './profile-schema.js';
import { Installation } from './stand-in.js';

const vgpu = new Installation();
afterAll(() => vgpu.remove());
beforeEach(() => void vgpu.takeLog());

const profile = (options: string[], events = SAMPLE_EVENTS, program = 'echo out; exit 4') =>
  vgpu.run(['profile', ...options, '--', '/bin/sh', '-c', program], { env: { STAND_IN_EVENTS: events } });

const TEXT = `vgpu: profile of /bin/sh: 2 kernels, 3 launches, 4.00 ms

saxpy(int, float, float*, float*)
  time          3.00 ms, 75.0 % of all; mean 1.50 ms, 1.00 ms to 2.00 ms
  launches      2: 2 × 4 blocks of 256
  instructions  896 of warps: integer 71.4 %, global 21.4 %, float32 7.1 %
  divergence    31.7 of 32 lanes active; 2 of 64 branches diverged
  global load             128 requests, 15.6 KiB, 500 sectors, efficiency 100.0 %
  global store            64 requests, 7.8 KiB, 1,000 sectors, efficiency 25.0 %
  hottest lines, by warp instructions
           640      20  add.s64 %rd1, %rd2, %rd3;

tile<float, (bool)1>(float const&)
  time          1.00 ms, 25.0 % of all; mean 1.00 ms, 1.00 ms to 2.00 ms
  launches      1, 1 failed: 2×3×4 blocks of 16×16
  instructions  896 of warps: shared 100.0 %
  divergence    31.7 of 32 lanes active; 2 of 64 branches diverged
  shared load             64 requests, 8.0 KiB, 1,984 bank conflicts
`;

describe('vgpu profile', () => {
  it('tells the kernels on stderr; stdout and exit status stay those of the program', async () => {
    const { code, stdout, stderr } = await profile(['--lines', '1']);
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 4, stdout: 'out\n' });
    expect(stderr).toBe(TEXT);
    expect(vgpu.takeLog()[0]).toBe('start auto profile');
  });

  it('writes the text, or JSON, into a file', async () => {
    const file = join(vgpu.folder, 'profile');
    expect((await profile(['-o', file, '--lines=1'])).stderr).toBe('');
    expect(readFileSync(file, 'utf8')).toBe(TEXT);
    expect((await profile(['--json', '-o', file])).stderr).toBe('');
    const document = profileSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    expect(document.kernels.map(({ name }) => name.split(/[(<]/)[0])).toEqual(['saxpy', 'tile']);
    expect(document.kernels.map(({ process }) => process)).toEqual([1, 1]);
    expect(document.kernels[0]?.meanNs).toBe(1_500_000);
    expect(document.kernels[0]?.traffic.map(({ efficiency }) => efficiency)).toEqual([1, 0.25]);
    expect(document.kernels[1]?.traffic[0]?.efficiency).toBeNull();
    expect(document).toMatchObject({ schemaVersion: 1, complete: true, program: '/bin/sh' });
  });

  it('says when a process ended before its profile was written', async () => {
    expect((await profile([], CUT_EVENTS)).stderr).toContain('its kernels are missing');
    const { stderr } = await profile(['--json'], CUT_EVENTS);
    expect(profileSchema.parse(JSON.parse(stderr)).complete).toBe(false);
  });

  it('has nothing to tell of a program without kernels', async () => {
    expect((await profile([], '')).stderr).toBe('vgpu: profile of /bin/sh: 0 kernels, 0 launches, 0 ns\n');
  });

  it('does not start the program when a report cannot be written', async () => {
    const touched = join(vgpu.folder, 'touched');
    for (const option of ['-o', '--html']) {
      const { code, stderr } = await profile([option, '/nowhere/file'], '', `touch ${touched}`);
      expect(code).toBe(125);
      expect(stderr).toContain('cannot write the profile to /nowhere/file [ERR_VGPU_PROFILE_REPORT]');
    }
    expect(existsSync(touched)).toBe(false);
  });

  it('refuses a number of lines that is none', async () => {
    for (const lines of ['-1', 'x', '1001']) expect((await profile([`--lines=${lines}`])).code).toBe(125);
  });
});
