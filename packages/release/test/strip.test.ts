import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { headersLast } from '@vgpu/toolchain/headers-last';
import { expect, it } from 'vitest';
import { output } from '../src/commands.js';
import { isPlatform } from '../src/platforms.js';
import { copyStripped } from '../src/strip.js';

const platform = `${process.platform}-${process.arch}`;

it('strips a library, and leaves its program headers where the build has put them', ({
  skip,
  onTestFinished,
}) => {
  if (!isPlatform(platform)) return skip(`nothing is published for ${platform}`);
  const folder = mkdtempSync(join(tmpdir(), 'vgpu-strip-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const [built, copy, program] = ['built.so', 'copy.so', 'main'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const cc = (...words: string[]) => output(process.env.CC ?? 'cc', words, { cwd: folder });
  writeFileSync(join(folder, 'library.c'), 'int answer(void) { return 42; }\n');
  writeFileSync(join(folder, 'main.c'), 'int answer(void); int main(void) { return answer() - 42; }\n');
  cc('-g', '-shared', '-fPIC', '-o', built, 'library.c');
  cc('-o', program, 'main.c', built, `-Wl,-rpath,${folder}`);

  copyStripped(built, copy, platform);
  expect(readFileSync(copy).readBigUInt64LE(32)).toBe(64n);

  writeFileSync(built, headersLast(readFileSync(built)));
  copyStripped(built, copy, platform);
  const place = Number(readFileSync(copy).readBigUInt64LE(32));
  expect(place + readFileSync(copy).readUInt16LE(56) * 56).toBe(statSync(copy).size);
  expect(output('readelf', ['--wide', '--sections', copy])).not.toContain('.debug_info');
  writeFileSync(built, readFileSync(copy));
  output(program, []);
});
