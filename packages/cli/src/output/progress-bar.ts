import { formatBytes } from './bytes.js';

const WIDTH = 20;

/** "[########            ] 40 %, 1.2 of 3.0 GiB, 410 MiB/s, 4 s left": call it as the work goes on. */
export function progressBar(
  now: () => number = () => performance.now(),
): (done: number, total: number) => string {
  const started = now();
  return (done, total) => {
    const share = total > 0 ? Math.min(done / total, 1) : 1;
    const filled = Math.floor(share * WIDTH);
    const bar = `[${'#'.repeat(filled)}${' '.repeat(WIDTH - filled)}] ${Math.floor(share * 100)} %`;
    const parts = [bar, `${formatBytes(done)} of ${formatBytes(total)}`];
    const seconds = (now() - started) / 1000;
    if (seconds > 0.5 && done > 0) {
      const rate = done / seconds;
      parts.push(`${formatBytes(Math.round(rate))}/s`, `${Math.ceil((total - done) / rate)} s left`);
    }
    return parts.join(', ');
  };
}
