// `vgpu executor status`
import { executorStatus } from '@vgpu/executor';
import { EXIT_FINDINGS } from '../errors.js';
import { formatBytes, formatCount } from '../output/bytes.js';
import type { Outcome } from '../output/command.js';
import { executorUrl } from './address.js';
import { executorFolder } from './folder.js';

export async function status(url: string | undefined): Promise<Outcome> {
  const address = executorUrl(url);
  if (address === undefined) {
    const { directory } = executorFolder();
    return {
      document: { running: false, directory },
      text: 'no executor runs in the background; `vgpu executor start` starts one',
      exitCode: EXIT_FINDINGS,
    };
  }
  const { clients, ...executor } = await executorStatus(address);
  const memory = executor.memoryBytes > 0 ? ` of ${formatBytes(executor.memoryBytes)}` : '';
  return {
    document: { running: true, url: address, ...executor, clients: clients.length },
    text: [
      `${address}: ${executor.backend} backend, process ${executor.processId}, since ${executor.startedAt.toISOString()}`,
      `clients  ${clients.length} of at most ${executor.maximumClients}; ${formatCount(executor.totals.clients)} so far`,
      `memory   ${formatBytes(executor.memoryInUseBytes)}${memory}`,
      `so far   ${formatCount(executor.totals.kernels)} kernels, ${formatCount(executor.totals.calls)} calls`,
    ].join('\n'),
  };
}
