// Every example of the READMEs and of docs/ is type-checked and run. Where one ends a line with `console.log(x) // → 1, 2`,
// that is what it must print, to the digits that are written.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { root } from '../setup.mjs'
import { codeOf, documents } from './documents.js'

/** Ignored by git, and in the repository: examples find its packages. */
const folder = join(root, '.examples')
/** What an example said that it shows, and what it has. */
declare global {
  var shown: { readonly values: readonly unknown[]; readonly promised: string }[]
}

const examples = [
  ...documents.flatMap((path) => codeOf(path, 'ts').map(({ line, code }) => ({ name: `${path}:${line}`, code }))),
  ...readdirSync(join(root, 'docs/examples'))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ name: `docs/examples/${name}`, code: readFileSync(join(root, 'docs/examples', name), 'utf8') }))
    .map(({ name, code }) => ({ name, code: code.replaceAll("from './", "from './docs/examples/") })),
].map(({ name, code }) => ({ name, code, file: join(folder, `${name.replaceAll(/[^\w-]/g, '-')}.ts`) }))

rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)
for (const { code, file } of examples) writeFileSync(file, rewritten(code))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => vi.restoreAllMocks())

/** As it runs here: beside the repository's files, with what it shows kept. */
function rewritten(code: string): string {
  return code
    .replaceAll("from './", `from '${root}`)
    .replaceAll("from 'my-strategy'", `from '${join(root, 'packages/create-strategy/template/src/index.js')}'`)
    .replaceAll(/console\.log\((.*)\) \/\/ → (.*)$/gm, 'shown.push({ values: [$1], promised: `$2` })')
}

it('there are examples, and they have the right types', () => {
  expect(examples.length).toBeGreaterThan(15)
  const compilerOptions = { allowImportingTsExtensions: true, lib: ['ES2023', 'DOM'], rootDir: '/' }
  writeFileSync(join(folder, 'shown.d.ts'), 'declare var shown: { values: unknown[]; promised: string }[]')
  const config = { extends: '../tsconfig.json', compilerOptions, include: ['*.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' })
  expect(stdout).toBe('')
})

it.each(examples)('$name: each → stands after a console.log on its line, where it is checked', ({ code }) => {
  expect(rewritten(code)).not.toContain('// →')
})

/** The numbers and words of anything that is printed. */
const flat = (value: unknown): (string | number)[] =>
  typeof value === 'object' && value !== null
    ? Array.from(value as ArrayLike<unknown>).flatMap(flat)
    : [typeof value === 'number' ? value : String(value)]

describe.each(examples)('$name', ({ code, file }) => {
  if (code.includes("from 'vitest'")) {
    describe('is a test itself', () => import(file))
    return
  }

  it('runs and shows what it says', async ({ skip }) => {
    globalThis.shown = []
    vi.spyOn(console, 'log').mockImplementation(() => {})
    await import(file).catch((error: Error) => {
      // What a machine lacks, in the words of the package.
      if (/expected webgpu to work here|no software adapter/.test(error.message)) skip(error.message)
      throw error
    })
    for (const { values, promised } of shown) {
      const got = values.flatMap(flat)
      const want = promised.replaceAll(/[[\]]/g, '').split(', ')
      expect(got.length, promised).toBe(want.length)
      want.forEach((text, i) => {
        if (typeof got[i] === 'string') expect(got[i]).toBe(text)
        else expect(Math.abs(got[i]! - Number(text)), `${got[i]}, not ${text}`).toBeLessThan(0.51 * unit(text))
      })
    }
  })
})

/** Of the last digit that is written. */
const unit = (text: string) => 10 ** -(text.split('.')[1]?.length ?? 0)
