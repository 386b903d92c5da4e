// pnpm release:build [--platform linux-x64]…         native parts for publishing
// pnpm release:pack  [--platform …]… [--development]  archives, audited
// pnpm release:check [--platform …]… [--development] [--node 22]… [--manager npm]…
//                                                     the same, then installed and used
//
// --repository https://github.com/owner/name: for the links of README files, and for npm.
// --development: this machine's `pnpm build`, for this platform alone; without it, what `release:build` made.
import { parseArgs } from 'node:util';
import { audit } from './audit.js';
import { buildAll } from './build.js';
import { check, type Manager } from './check.js';
import { type Packed, packAll } from './pack.js';
import { isPlatform, type Platform, platforms, thisPlatform } from './platforms.js';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    platform: { type: 'string', multiple: true, default: [] },
    development: { type: 'boolean', default: false },
    node: { type: 'string', multiple: true, default: [] },
    manager: { type: 'string', multiple: true, default: ['npm', 'pnpm'] },
    repository: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

try {
  const [command] = positionals;
  if (command === 'build') buildAll(chosenPlatforms());
  else if (command === 'pack') await packAndAudit();
  else if (command === 'check') await packAndCheck();
  else throw new Error('usage: release build | pack | check');
} catch (error) {
  process.stderr.write(`vgpu: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}

async function packAndAudit(): Promise<Packed[]> {
  const { development, repository } = values;
  if (repository === undefined)
    process.stderr.write('vgpu: no --repository: links of README files become text\n');
  else if (!/^https:\/\/[^\s?#]+[^/\s?#]$/.test(repository))
    throw new Error(`--repository ${repository}: like https://github.com/owner/name`);
  const packed = packAll({ platforms: chosenPlatforms(), development, repository });
  if (values.json) console.log(JSON.stringify(packed.map(summary), undefined, 2));
  else for (const line of packed.map(row)) console.log(line);
  const findings: string[] = [];
  for (const each of packed) findings.push(...(await audit(each)));
  if (findings.length > 0) throw new Error(`the packages are not clean:\n${findings.join('\n')}`);
  process.stderr.write(`vgpu: publint --strict and attw find nothing in ${packed.length} packages\n`);
  return packed;
}

async function packAndCheck(): Promise<void> {
  const managers = values.manager.filter((name): name is Manager => name === 'npm' || name === 'pnpm');
  const packed = await packAndAudit();
  await check(packed, { managers, nodes: values.node }, (line) => console.log(line));
}

function chosenPlatforms(): Platform[] {
  if (values.development) return [thisPlatform()];
  const unknown = values.platform.find((name) => !isPlatform(name));
  if (unknown) throw new Error(`--platform ${unknown}: one of ${Object.keys(platforms).join(', ')}`);
  const chosen = values.platform.filter(isPlatform);
  return chosen.length > 0 ? chosen : Object.keys(platforms).filter(isPlatform);
}

function summary({ manifest, bytes, unpackedBytes, glibc }: Packed) {
  return { name: manifest.name, version: manifest.version, bytes, unpackedBytes, glibc: glibc ?? null };
}

function row({ manifest, bytes, unpackedBytes, glibc }: Packed): string {
  const name = `${manifest.name}@${manifest.version}`.padEnd(44);
  const sizes = `${kilobytes(bytes)} packed ${kilobytes(unpackedBytes)} unpacked`;
  return `${name} ${sizes}${glibc ? `  glibc ${glibc}` : ''}`;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} kB`.padStart(9);
}
