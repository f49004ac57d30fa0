import { existsSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitepress'

const pages = fileURLToPath(new URL('../pages', import.meta.url))
/** Links to every page of a folder, but its first. */
const pagesOf = (folder: string) =>
  readdirSync(join(pages, folder))
    .filter((file) => file.endsWith('.md') && file !== 'index.md')
    .sort()
    .map((file) => basename(file, '.md'))
    .map((name) => ({ text: titleOf(name), link: `/${folder}/${name}` }))
const titleOf = (name: string) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('-', ' ')
const api = existsSync(join(pages, 'public/api'))

/** A head's row of penalties. */
const icon = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'><path fill='%230063b1' d='M0 8L8 1V8z'/></svg>"

export default defineConfig({
  title: 'alibi',
  description: 'Position encodings for transformers, as composable plugins in TypeScript',
  lang: 'en',
  head: [['link', { rel: 'icon', href: `data:image/svg+xml,${icon}` }]],
  srcDir: 'pages',
  outDir: process.env.ALIBI_SITE_OUT ?? 'dist',
  cacheDir: process.env.ALIBI_SITE_OUT ? `${process.env.ALIBI_SITE_OUT}-cache` : '.vitepress/cache',
  cleanUrls: false,
  markdown: { theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' } },
  themeConfig: {
    search: { provider: 'local' },
    nav: [
      { text: 'In five minutes', link: '/' },
      { text: 'A strategy of your own', link: '/docs/add-a-strategy' },
      ...(api ? [{ text: 'API', link: '/api/index.html', target: '_self' }] : []),
    ],
    sidebar: [
      { text: 'In five minutes', link: '/' },
      { text: 'The project', link: '/project' },
      { text: 'Guides', items: pagesOf('docs') },
      {
        text: 'Packages',
        items: pagesOf('packages').map((item) => ({ ...item, text: `@alibi/${basename(item.link)}` })),
      },
      { text: 'Applications', items: pagesOf('apps') },
      { text: 'Examples', items: [{ text: 'Overview', link: '/docs/examples/' }, ...pagesOf('docs/examples')] },
      { text: 'Decisions', items: pagesOf('docs/decisions') },
    ],
    outline: { level: [2, 3] },
  },
  vite: {
    // The packages' sources, so that nothing need be built before.
    resolve: { conditions: ['@alibi/source'] },
    ssr: { resolve: { conditions: ['@alibi/source'] }, noExternal: [/^@alibi\//] },
  },
})
