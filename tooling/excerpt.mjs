// DESIGN.md shows the interface as the code has it:
//     node tooling/excerpt.mjs --update   writes it again; tooling/test/excerpt.test.ts fails when they differ
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { root } from './setup.mjs'

const SOURCE = 'packages/core/src/strategy.ts'
const PAGE = 'DESIGN.md'
const FENCE = new RegExp(`(<!-- ${SOURCE} -->\\n\\n\`\`\`ts\\n).*?(?=\`\`\`)`, 's')

/** The page as it is, and as it should be. */
export function pageWithExcerpt() {
  const written = readFileSync(join(root, PAGE), 'utf8')
  const source = readFileSync(join(root, SOURCE), 'utf8')
  const declarations = source.slice(source.indexOf('/**'))
  return { written, current: written.replace(FENCE, (_, start) => start + declarations) }
}

if (process.argv[1] === fileURLToPath(import.meta.url) && process.argv.includes('--update'))
  writeFileSync(join(root, PAGE), pageWithExcerpt().current)
