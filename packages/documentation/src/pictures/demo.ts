// `pnpm docs:picture`: runs the demo in a terminal, and makes the picture of the README from what it prints.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../pages.js';
import { terminalPicture } from './terminal.js';
import { themes } from './theme.js';

const COLUMNS = 90;
const cli = join(root, 'packages/cli/dist/vgpu.js');
const folder = mkdtempSync(join(tmpdir(), 'vgpu-picture-'));
try {
  const talk = join(folder, 'stderr');
  // stdout is the terminal that script(1) makes; stderr is none, so that nothing is animated.
  const command = `stty cols ${COLUMNS} -onlcr; exec '${process.execPath}' '${cli}' demo --gpu software --program ptx 2>'${talk}'`;
  const result = execFileSync('script', ['--quiet', '--return', '--command', command, '/dev/null'], {
    encoding: 'utf8',
    // Nothing else, so that it looks the same wherever it is made.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = readFileSync(talk, 'utf8').trimEnd().split('\n');
  const lines = ['$ vgpu demo', ...said.slice(0, -1), '', result.trimEnd(), '', ...said.slice(-1)];

  const images = join(root, 'docs/images');
  mkdirSync(images, { recursive: true });
  for (const theme of themes) {
    const picture = terminalPicture('What vgpu demo prints', lines.join('\n'), theme);
    writeFileSync(join(images, `demo-${theme.name}.svg`), picture);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
