// FFmpeg's CUDA filters, as the distribution has them, beside its filters for the CPU. Run by `pnpm test:ffmpeg`.
import { execFileSync } from 'node:child_process';
import { requireCommands } from '@vgpu/toolchain/system-packages';
import { beforeAll, describe, expect, it } from 'vitest';
import { ended, type Ending, start } from '../vgpu.js';

const TIMEOUT_MS = 300_000;
const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=320x240:duration=1:rate=10'];
const SECOND_PICTURE = ['-f', 'lavfi', '-i', 'testsrc=size=64x64:duration=1:rate=10'];
const QUIET = ['-hide_banner', '-loglevel', 'error'];
/** A checksum of each frame, on stdout. */
const CHECKSUMS = ['-f', 'framemd5', '-'];
const CUDA = ['-init_hw_device', 'cuda=gpu', '-filter_hw_device', 'gpu'];

beforeAll(() => requireCommands(['ffmpeg']), TIMEOUT_MS);

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

  it('is told by name where a filter needs textures', async () => {
    const { code, stderr } = await onGpu(
      PICTURE,
      'format=yuv420p,hwupload_cuda,scale_cuda=160:120,hwdownload,format=yuv420p',
    );
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/cuTexObjectCreate.*CUDA_ERROR_NOT_SUPPORTED/);
  });
});
