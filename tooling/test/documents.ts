// What people read, and the code in it.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../setup.mjs'

const below = (folder: string, ...names: string[]) =>
  readdirSync(join(root, folder)).flatMap((name) => names.map((file) => join(folder, name, file)))

/** Paths of all READMEs and of docs/, from the repository's root. */
export const documents: readonly string[] = [
  'README.md',
  'apps/bench/README.md',
  'docs/examples/README.md',
  'packages/create-strategy/template/README.md',
  ...below('packages', 'README.md'),
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
]

/** The fenced blocks of a language, with the line where each starts. */
export function codeOf(path: string, language: string): { readonly line: number; readonly code: string }[] {
  const text = readFileSync(join(root, path), 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(({ index, 1: code = '' }) => ({
    line: text.slice(0, index).split('\n').length + 1,
    code,
  }))
}
