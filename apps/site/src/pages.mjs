// The site's pages, out of docs/, the READMEs and the examples: `pages/`, which is not committed. Links between the files
// become links between their pages; VitePress's build fails on one that leads nowhere.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('../../..', import.meta.url))
const out = fileURLToPath(new URL('../pages', import.meta.url))

const below = (/** @type {string} */ folder, /** @type {RegExp} */ name) =>
  readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => posix.join(folder, file.replaceAll('\\', '/')))
    .filter((file) => name.test(file) && !/node_modules|\/dist\/|\/template\//.test(file))

/** Every file that becomes a page, and its page. @type {Map<string, string>} */
const pages = new Map([
  ['apps/site/index.md', 'index.md'],
  ['README.md', 'project.md'],
  ['DESIGN.md', 'docs/design.md'],
  ['CONTRIBUTING.md', 'docs/contributing.md'],
])
for (const file of below('docs', /\.(?:md|ts)$/))
  pages.set(file, file.replace(/README\.md$/, 'index.md').replace(/\.ts$/, '.md'))
for (const folder of ['packages', 'apps'])
  for (const name of readdirSync(join(repository, folder))) {
    const file = `${folder}/${name}/README.md`
    if (existsSync(join(repository, file))) pages.set(file, `${folder}/${name}.md`)
  }

/**
 * Where a link in a file leads on the site.
 * @param {string} from - the file
 * @param {string} target - as written
 */
function linkOf(from, target) {
  if (/^(?:[a-z]+:|#|\/)/.test(target)) return target
  const [path = '', anchor] = target.split('#')
  const file = posix.join(posix.dirname(from), path)
  // A folder's page is its README's, or that of the folder above that tells of it.
  const page = [file, `${file}/README.md`, `${posix.dirname(file)}/README.md`].map((f) => pages.get(f)).find(Boolean)
  return page ? `/${page}${anchor ? `#${anchor}` : ''}` : target
}

/**
 * @param {string} file
 * @param {string} page
 */
function contentOf(file, page) {
  const text = readFileSync(join(repository, file), 'utf8')
  if (file.endsWith('.ts')) return `# ${posix.basename(file)}\n\n\`\`\`ts\n${text}\`\`\`\n`
  // Pictures lie beside their text.
  const linked = text.replaceAll(/(!?)\]\(([^)\s]+)\)/g, (_, _mark, target) => {
    if (!/\.(?:svg|png)$/.test(target)) return `](${linkOf(file, target)})`
    const picture = posix.join(posix.dirname(file), target)
    mkdirSync(join(out, 'public/pictures'), { recursive: true })
    cpSync(join(repository, picture), join(out, 'public/pictures', posix.basename(picture)))
    return `](/pictures/${posix.basename(picture)})`
  })
  return page === 'index.md' ? linked : escapeTags(linked)
}

/** VitePress reads markup in text; ours has none: `<` outside of code is a character. @param {string} text */
const escapeTags = (text) =>
  text
    .split(/(^```.*?^```|`[^`\n]*`)/ms)
    .map((part, i) => (i % 2 ? part : part.replaceAll('<', '&lt;').replaceAll('{{', '&#123;&#123;')))
    .join('')

rmSync(out, { recursive: true, force: true })
for (const [file, page] of pages) {
  mkdirSync(dirname(join(out, page)), { recursive: true })
  writeFileSync(join(out, page), contentOf(file, page))
}
// What `pnpm api-docs` made, where it was run.
const api = join(repository, 'dist/api')
if (existsSync(api)) cpSync(api, join(out, 'public/api'), { recursive: true })
