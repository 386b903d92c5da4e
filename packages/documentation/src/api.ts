// The reference of the public API, from the sources of the packages, into docs/reference/api, which git ignores.
import { join } from 'node:path';
import { Application } from 'typedoc';
import { root } from './pages.js';

/** What programs import, and the source behind it. */
const modules: Readonly<Record<string, string>> = {
  '@vgpu/array': 'array/src/index.ts',
  '@vgpu/cuda-native': 'cuda-native/src/index.ts',
  '@vgpu/cuda-native/stored': 'cuda-native/src/stored/index.ts',
  '@vgpu/resilience': 'resilience/src/index.ts',
  '@vgpu/resilience/node': 'resilience/src/node/index.ts',
  '@vgpu/format': 'format/src/index.ts',
  '@vgpu/mmap-native': 'mmap-native/src/index.ts',
  '@vgpu/executor': 'executor/src/index.ts',
  '@vgpu/preload-shim': 'preload-shim/src/index.ts',
  '@vgpu/protocol': 'protocol/src/index.ts',
};

const packages = join(root, 'packages');
const options = {
  entryPoints: Object.values(modules).map((file) => join(packages, file)),
  tsconfig: join(import.meta.dirname, '../tsconfig.api.json'),
  plugin: ['typedoc-plugin-markdown'],
  out: join(root, 'docs/reference/api'),
  readme: 'none',
  disableSources: true,
  hideGenerator: true,
  excludeInternal: true,
  excludePrivate: true,
  logLevel: 'Error' as const,
  // Of the plugin: a page for each module, and links that stay good in every place.
  outputFileStrategy: 'modules',
  entryFileName: 'index',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  parametersFormat: 'table',
  sanitizeComments: true,
  // Its own count of headings with the same name is another than that of the site.
  useHTMLAnchors: true,
};

const app = await Application.bootstrapWithPlugins(options);
const project = await app.convert();
if (project === undefined) throw new Error('the sources of the packages cannot be read');

project.name = 'API';
const names = new Map(Object.entries(modules).map(([name, file]) => [file.replace(/\.ts$/, ''), name]));
for (const child of project.children ?? []) {
  const name = [...names].find(([file]) => file === child.name || file === `${child.name}/index`)?.[1];
  if (name === undefined) throw new Error(`${child.name} is no module of the list`);
  child.name = name.replace('@vgpu/', '');
}
await app.generateOutputs(project);
if (app.logger.hasErrors()) throw new Error('the reference has errors');
