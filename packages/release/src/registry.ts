// A registry that has the packed archives and nothing else, for the scope that they are in: what npm does with platforms and
// optional dependencies cannot be tried with files.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { basename } from 'node:path';
import type { Packed } from './pack.js';

export interface Registry extends AsyncDisposable {
  readonly url: string;
}

export async function startRegistry(packages: readonly Packed[]): Promise<Registry> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the registry has no port');
  const url = `http://127.0.0.1:${address.port}`;
  const answers = new Map<string, Buffer>();
  for (const packed of packages) {
    const bytes = readFileSync(packed.file);
    const tarball = `/${basename(packed.file)}`;
    answers.set(tarball, bytes);
    answers.set(`/${packed.manifest.name}`, packument(packed, bytes, `${url}${tarball}`));
  }
  server.on('request', (request, response) => {
    const found = answers.get(decodeURIComponent(request.url ?? ''));
    response.writeHead(found ? 200 : 404).end(found);
  });
  return { url, [Symbol.asyncDispose]: () => close(server) };
}

function packument({ manifest }: Packed, bytes: Buffer, tarball: string): Buffer {
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`;
  const version = { ...manifest, dist: { tarball, integrity } };
  const text = JSON.stringify({
    name: manifest.name,
    'dist-tags': { latest: manifest.version },
    versions: { [manifest.version]: version },
    time: { [manifest.version]: '2020-01-01T00:00:00.000Z' },
  });
  return Buffer.from(text);
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
