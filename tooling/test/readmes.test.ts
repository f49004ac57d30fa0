// What a README must have: enough to use its package alone. Commands are looked up, not run.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../setup.mjs'
import { STRATEGIES } from '../strategy-packages.mjs'
import { codeOf, documents } from './documents.js'

const read = (path: string) => readFileSync(join(root, path), 'utf8')

it.each([
  ['config', 'ModelConfig'],
  ['training/optimizer', 'OptimizerConfig'],
  ['training/schedule', 'Schedule'],
  ['training/trainer-options', 'TrainerOptions'],
  ['inference/evaluate-options', 'EvaluateOptions'],
  ['inference/generate', 'GenerateOptions'],
  ['inference/sampling', 'SamplingOptions'],
])('the README of transformer has every option of %s.ts’s %s', (file, name) => {
  const [, body = ''] = read(`packages/transformer/src/${file}.ts`).match(
    new RegExp(`interface ${name} [^{]*\\{(.*?)^\\}`, 'ms'),
  )!
  for (const [, option] of body.matchAll(/^ {2}readonly (\w+)/gm))
    expect(read('packages/transformer/README.md')).toMatch(new RegExp(`^\\| \`${option}\` `, 'm'))
})

describe.each(STRATEGIES)('the README of %s', (name) => {
  const path = `packages/${name}/README.md`
  const text = read(path)

  it('begins with an example of eight lines at most', () => {
    const [example] = codeOf(path, 'ts')
    expect(example!.code).toContain(`from '@alibi/${name}'`)
    expect(example!.code.split('\n').filter((line) => line.trim()).length).toBeLessThanOrEqual(8)
  })

  it('has the formula, and what its letters are', () => {
    expect(text).toMatch(/^## Formula\n\n {4}\S.*=/m)
  })

  it('has every option in a table with type, unit, default and meaning', () => {
    const sources = readdirSync(join(root, `packages/${name}/src`)).map((file) => read(`packages/${name}/src/${file}`))
    const interfaces = sources.flatMap((source) => [...source.matchAll(/interface \w+Options[^{]*\{(.*?)^\}/gms)])
    const options = interfaces.flatMap(([, body = '']) => [...body.matchAll(/^ {2}readonly (\w+)/gm)].map(([, o]) => o))
    expect(options.length).toBeGreaterThan(1)
    for (const option of options)
      expect(text).toMatch(new RegExp(`^\\| \`${option}\` *\\|[^|]+\\|[^|]+\\|[^|]+\\|`, 'm'))
    expect(text).toMatch(/^\| .* \| type, unit +\| default +\| meaning +\|$/m)
  })

  it('has its references as BibTeX', () => {
    const entries = codeOf(path, 'bibtex').flatMap(({ code }) => code.split(/\n(?=@)/))
    expect(entries.length).toBeGreaterThan(0)
    for (const entry of entries)
      for (const field of ['title', 'author', 'year']) expect(entry).toMatch(new RegExp(`^  ${field} += \\{.+\\}`, 'm'))
  })
})

const { scripts } = JSON.parse(read('package.json'))
const commands = documents
  .flatMap((path) => codeOf(path, 'sh').flatMap(({ code }) => code.replaceAll(/ *\\\n */g, ' ').split('\n')))
  .map((line) => line.replace(/ +#.*/, '').trim())
  .filter((line) => line.startsWith('pnpm '))

it.each(commands)('`%s` is a command, with options that it has', async (line) => {
  const [script = '', ...args] = line
    .split(/ +/)
    .slice(1)
    .filter((word) => word !== '-w')
  expect(Object.keys(scripts)).toContain(script)
  if (script !== 'bench' || args[0] === '--help') return
  const made = await import(join(root, `apps/bench/src/commands/${args[0]}.ts`))
  const known = made[`${args[0]}Command`]().options.flatMap(({ short, long }: { short?: string; long: string }) => [
    short,
    long,
  ])
  for (const flag of args.filter((word) => word.startsWith('--'))) expect([...known, '--help']).toContain(flag)
})
