// FFmpeg's CUDA filters, as the distribution has them, beside its filters for the CPU. Run by `pnpm test:ffmpeg`.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireCommands } from '@vgpu/toolchain/system-packages';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ended, type Ending, start } from '../vgpu.js';

const TIMEOUT_MS = 300_000;
const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:duration=1:rate=10'];
const SECOND_PICTURE = ['-f', 'lavfi', '-i', 'testsrc=size=64x64:duration=1:rate=10'];
const QUIET = ['-hide_banner', '-loglevel', 'error'];
/** A checksum of each frame, on stdout. */
const CHECKSUMS = ['-f', 'framemd5', '-'];
const CUDA = ['-init_hw_device', 'cuda=gpu', '-filter_hw_device', 'gpu'];

const folder = mkdtempSync(join(tmpdir(), 'vgpu-ffmpeg-'));
const raw = (name: string): string[] => ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', join(folder, name), '-y'];
const scaled = (options: string): string =>
  `format=yuv420p,hwupload_cuda,scale_cuda=${options},hwdownload,format=yuv420p`;

beforeAll(() => requireCommands(['ffmpeg']), TIMEOUT_MS);
afterAll(() => rmSync(folder, { recursive: true }));

function onCpu(inputs: readonly string[], filters: string): string {
  return execFileSync('ffmpeg', [...QUIET, ...inputs, '-filter_complex', filters, ...CHECKSUMS], {
    encoding: 'utf8',
  });
}

function onGpu(inputs: readonly string[], filters: string): Promise<Ending> {
  const words = [...QUIET, ...CUDA, ...inputs, '-filter_complex', filters, ...CHECKSUMS];
  return ended(start(['run', '--', 'ffmpeg', ...words]));
}

describe('FFmpeg', { timeout: TIMEOUT_MS }, () => {
  it('copies frames to the device and back', async () => {
    const { code, stdout } = await onGpu(PICTURE, 'format=yuv420p,hwupload_cuda,hwdownload,format=yuv420p');
    expect(code).toBe(0);
    expect(stdout.match(/^0, /gm)).toHaveLength(10);
    expect(stdout).toBe(onCpu(PICTURE, 'format=yuv420p'));
  });

  it('lays one picture over another in a kernel', async () => {
    const inputs = [...PICTURE, ...SECOND_PICTURE];
    const upload = (from: string, to: string) => `[${from}]format=yuv420p,hwupload_cuda[${to}]`;
    const { code, stdout } = await onGpu(
      inputs,
      `${upload('0', 'a')};${upload('1', 'b')};[a][b]overlay_cuda=x=20:y=30,hwdownload,format=yuv420p`,
    );
    expect(code).toBe(0);
    expect(stdout.match(/^0, /gm)).toHaveLength(10);
    expect(stdout).toBe(
      onCpu(inputs, '[0]format=yuv420p[a];[1]format=yuv420p[b];[a][b]overlay=x=20:y=30:format=yuv420'),
    );
  });

  it.each(['nearest', 'bicubic'])('leaves a picture of the same size as it was: %s', async (algorithm) => {
    const { code, stdout } = await onGpu(PICTURE, scaled(`320:240:passthrough=0:interp_algo=${algorithm}`));
    expect(code).toBe(0);
    expect(stdout).toBe(onCpu(PICTURE, 'format=yuv420p'));
  });

  it.each(['160:120', '640:480', '960:720'])('takes the nearest pixels: %s', async (size) => {
    const { code, stdout } = await onGpu(PICTURE, scaled(`${size}:interp_algo=nearest`));
    expect(code).toBe(0);
    expect(stdout).toBe(onCpu(PICTURE, `format=yuv420p,scale=${size}:flags=neighbor`));
  });

  // The CPU's weights are rounded otherwise, to 14 bits. Without parameters both filters are Hermite's.
  it.each(['480:360', '640:480', '400:300'])('filters between pixels: %s', async (size) => {
    const filters = scaled(`${size}:interp_algo=bicubic`);
    const { code, stderr } = await ended(
      start([
        'run',
        '--',
        'ffmpeg',
        ...QUIET,
        ...CUDA,
        ...PICTURE,
        '-filter_complex',
        filters,
        ...raw('gpu.yuv'),
      ]),
    );
    expect(code, stderr).toBe(0);
    const onHost = `format=yuv420p,scale=${size}:flags=bicubic+accurate_rnd:param0=0:param1=0`;
    execFileSync('ffmpeg', [...QUIET, ...PICTURE, '-filter_complex', onHost, ...raw('cpu.yuv')]);
    const [gpu, cpu] = ['gpu.yuv', 'cpu.yuv'].map((name) => readFileSync(join(folder, name)));
    expect(gpu).toHaveLength(10 * 1.5 * size.split(':').reduce((area, side) => area * Number(side), 1));
    expect(cpu).toHaveLength(gpu?.length ?? 0);
    expect(gpu?.findIndex((value, at) => Math.abs(value - (cpu?.[at] ?? 0)) > 1)).toBe(-1);
  });

  it('is told by name where a filter needs what CUDA leaves open', async () => {
    const { code, stderr } = await onGpu(PICTURE, scaled('160:120:interp_algo=bilinear'));
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/cuTexObjectCreate.*CUDA_ERROR_NOT_SUPPORTED/);
  });
});
