import { expect, it } from 'vitest';
import { platformManifest, publishedManifest } from '../src/manifests.js';
import { nativeParts } from '../src/platforms.js';
import { publicPackages, readManifest, root } from '../src/workspace.js';

const source = {
  name: '@vgpu/example',
  version: '0.2.0',
  license: 'MIT',
  scripts: { build: 'tsup' },
  devDependencies: { tsup: '1.0.0' },
  binary: { napi_versions: [8] },
  dependencies: { '@vgpu/a': 'workspace:*', '@vgpu/b': 'workspace:^', zod: '4.6.7' },
  peerDependencies: { '@vgpu/c': 'workspace:>=0.0.0 <1' },
};
const versions = { '@vgpu/a': '0.3.1', '@vgpu/b': '0.4.0', '@vgpu/c': '0.5.0' };

it('writes versions in the place of workspace ranges', () => {
  const manifest = publishedManifest(source, [], versions);
  expect(manifest.dependencies).toEqual({ '@vgpu/a': '0.3.1', '@vgpu/b': '^0.4.0', zod: '4.6.7' });
  expect(manifest.peerDependencies).toEqual({ '@vgpu/c': '>=0.0.0 <1' });
  expect(() => publishedManifest(source, [], {})).toThrow('@vgpu/a is not published');
});

it('leaves out what only the repository needs', () => {
  const manifest = publishedManifest(source, [], versions);
  expect(Object.keys(manifest).sort()).toEqual([
    'dependencies',
    'license',
    'name',
    'peerDependencies',
    'version',
  ]);
});

it('pins platform packages exactly', () => {
  expect(publishedManifest(source, ['linux-x64', 'win32-x64'], versions).optionalDependencies).toEqual({
    '@vgpu/example-linux-x64': '0.2.0',
    '@vgpu/example-win32-x64': '0.2.0',
  });
});

it('lets package managers choose by system, processor and C library', () => {
  const part = { folder: 'example', platforms: ['linux-arm64'], files: { 'bin/tool': 'tool' } } as const;
  expect(platformManifest(source, part, 'linux-arm64')).toMatchObject({
    name: '@vgpu/example-linux-arm64',
    version: '0.2.0',
    os: ['linux'],
    cpu: ['arm64'],
    libc: ['glibc'],
    files: ['bin/tool'],
  });
  expect(platformManifest(source, part, 'win32-x64')).not.toHaveProperty('libc');
});

it('has no scripts that package managers would run, and no binding.gyp', () => {
  const folders = publicPackages();
  expect(folders).toContain('mmap-native');
  for (const folder of folders) {
    const { scripts = {}, files } = readManifest(`${root}/packages/${folder}`);
    const hooks = Object.keys(scripts).filter((name) => /^(pre|post)?(install|prepare|publish)/.test(name));
    expect(hooks, folder).toEqual([]);
    expect(files, folder).toContain('dist');
  }
});

it('knows every package that is built with the loader', () => {
  const withLoader = publicPackages().filter((folder) => {
    const { devDependencies = {} } = readManifest(`${root}/packages/${folder}`);
    return '@vgpu/native-loader' in devDependencies;
  });
  expect(nativeParts.map(({ folder }) => folder).sort()).toEqual(withLoader);
});
