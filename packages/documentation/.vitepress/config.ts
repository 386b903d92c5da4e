// The site over docs/, the READMEs of the packages and what is generated, all of which stay where they are.
import { join } from 'node:path';
import { defineConfig } from 'vitepress';
import { pageOf, siteLinks } from '../src/pages.js';
import { sidebar } from './sidebar.js';

const vue = join(import.meta.dirname, '../node_modules/vue');
const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M1 1l3 6 3-6" fill="none" stroke="#3451b2" stroke-width="1.5"/></svg>';

export default defineConfig({
  title: 'vgpu',
  description: 'Run CUDA programs on machines without a GPU, and use GPUs without trusting them',
  lang: 'en',
  srcDir: '../..',
  srcExclude: [
    'README.md',
    '.changeset/**',
    'examples/**',
    '**/{build,dist,golden}/**',
    'packages/documentation/**',
  ],
  rewrites: pageOf,
  outDir: 'build/site',
  cacheDir: 'build/cache',
  lastUpdated: false,
  // Within the page: browsers ask the server's root for an icon otherwise, wherever the site is.
  head: [['link', { rel: 'icon', href: `data:image/svg+xml,${encodeURIComponent(icon)}` }]],
  // Opened from any folder of any server.
  base: process.env.VGPU_SITE_BASE ?? '/',
  markdown: { config: siteLinks },
  vite: {
    build: { chunkSizeWarningLimit: 2000 },
    // Pages lie outside this folder, where Vue is installed.
    resolve: { alias: [{ find: /^vue(?=$|\/)/, replacement: vue }] },
    server: { fs: { allow: ['../..'] } },
  },
  themeConfig: {
    nav: [
      { text: 'Start', link: '/start' },
      { text: 'Guides', link: '/run-a-program' },
      { text: 'Reference', link: '/reference/commands' },
      { text: 'Playground', link: '/playground' },
      { text: 'Contribute', link: '/contributing' },
    ],
    sidebar,
    outline: { level: [2, 3] },
    search: { provider: 'local' },
  },
});
