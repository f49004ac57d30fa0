import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { selectBackend } from '@alibi/backend'
import { readResults } from '@alibi/results/node'
import { builtInStrategies } from '@alibi/strategies'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { resolveRunConfig } from '../src/config/resolve.js'
import { savedConfig } from '../src/config/saved.js'
import { admitStrategies, loadStrategies } from '../src/plugins/admit.js'
import { namesOf, referenceOf } from '../src/plugins/references.js'
import { repeatCommand } from '../src/report/repeat.js'

const bench = fileURLToPath(new URL('../bin/bench.js', import.meta.url))
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-plugins-'))
  process.env.XDG_DATA_HOME = join(folder, 'data')
  await selectBackend('cpu')
})
afterAll(() => rm(folder, { recursive: true }))

/** A strategy's module as a person would write it. */
const source = (name: string, slope = '2 ** -(head + 1)', more = '') => `
import type { PositionStrategy } from '@alibi/core'
${more}
export function make({ numHeads }: { readonly numHeads: number }): PositionStrategy {
  const slopes = Array.from({ length: numHeads }, (_, head) => ${slope})
  const bias = { kind: 'linear', numHeads, slopes: (ops) => ops.tensor(slopes, [numHeads]) } as const
  return Object.freeze({ specVersion: 1, name: '${name}', bias } satisfies PositionStrategy)
}`

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text)
  return join(folder, name)
}

const model = { numHeads: 2, modelDim: 8, trainLength: 16 }
const admitAll = async (...references: string[]) => admitStrategies(await loadStrategies(references), model, log)
const admit = async (...references: string[]) => (await admitAll(...references)).config
const log = (line: string) => void lines.push(line)
let lines: string[] = []

it('says how options are divided where they are divided like strategies', async () => {
  await expect(admit('irope:base=500', 'every=2')).rejects.toThrow(
    'unknown strategy every=2; options are divided by colons, e.g. t5-bias:numBuckets=64:maxDistance=256',
  )
})

it('refuses first tokens where they are dropped, before anything is trained', async () => {
  const streamed = admitStrategies(['streaming'], { ...model, protocols: ['streaming'] }, log)
  await expect(streamed).rejects.toThrow('strategy streaming: expected protocol nonoverlapping or sliding')
})

describe('a strategy of one’s own', () => {
  it('is known by its name from then on, between built-in ones', async () => {
    const path = await file('first.ts', source('first'))
    expect(await admit('rotary', path, 'none')).toEqual({
      strategies: ['rotary', 'first', 'none'],
      plugins: { first: { from: path, fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    })
    const { registry } = await admitAll(path)
    expect(registry.make('first', model).bias).toMatchObject({ kind: 'linear', numHeads: 2 })
    expect(builtInStrategies.has('first')).toBe(false)
  })

  it.each([
    ['TypeScript that imports its own files', 'a.ts', "import { slope } from './slope.js'", 'slope(head)'],
    [
      'TypeScript that uses strategies of the bench',
      'b.ts',
      "import { alibiSlopes } from '@alibi/alibi'",
      'alibiSlopes(2)[head]!',
    ],
    [
      'TypeScript that checks its options with core',
      'c.mts',
      "import { checkInteger } from '@alibi/core'\ncheckInteger('c', 'x', 1, 1)",
      '0.5',
    ],
  ])('may be %s', async (_what, name, more, slope) => {
    await file('slope.ts', 'export const slope = (head: number): number => 0.5 ** head')
    const { strategies } = await admit(await file(name, source(name, slope, more)))
    expect(strategies).toEqual([name])
  })

  it('may be CommonJS that is the function itself', async () => {
    const path = await file('common.cjs', "module.exports = () => Object.freeze({ specVersion: 1, name: 'common' })")
    expect((await admit(path)).strategies).toEqual(['common'])
  })

  it.each([
    ['one of several functions', 'export const other = () => undefined', '#make'],
    ['a default export', 'export const other = () => undefined\nexport { make as default }', ''],
  ])('may be %s of its module', async (_what, more, suffix) => {
    const path = await file(suffix ? 'several.ts' : 'default.ts', source('several', '0.5', more))
    expect((await admit(path + suffix)).plugins).toMatchObject({ several: { from: path + suffix } })
  })

  it('has a fingerprint that changes with what it computes alone', async () => {
    const of = async (name: string, text: string) => (await admit(await file(name, text))).plugins!.same!.fingerprint
    const one = await of('one.ts', source('same'))
    expect(await of('two.ts', source('same', '1 / 2 ** (1 + head)', '// written otherwise'))).toBe(one)
    expect(await of('three.ts', source('same', '2 ** -(head + 1.001)'))).not.toBe(one)
  })

  it.each([
    [
      'the wrong sign',
      source('wrong', '-0.5'),
      /fails 1 of 13 conformance cases, “has slopes that penalise distance.+expected slopes ≥ 0.+got -0.5/,
    ],
    [
      'another version',
      source('newer').replace('specVersion: 1', 'specVersion: 2 as 1'),
      /expected specVersion 1, got 2/,
    ],
    ['a name that is built in', source('alibi'), /a name of its own, got alibi, and alibi is another strategy/],
    ['a name that is built in but for its case', source('Rotary'), /got Rotary, and rotary is another strategy/],
    ...[
      'a/b',
      '__proto__',
      'constructor',
      'toString',
      'x'.repeat(300),
      'a b',
      '',
      '.hidden',
      'end.',
      'CON',
      'lpt1.txt',
    ].map((name, i): [string, string, RegExp] => [
      `a name that is none, ${i}`,
      source(name),
      /expected a name of at most 64/,
    ]),
    ['a quote and a newline', source('a"\\n<b>'), /got "a\\"\\n<b>"; rename it/],
    [
      'other sizes than the model’s',
      source('wide').replace('const slopes', 'numHeads += 1\n  const slopes'),
      /^Error: strategy [^:]+: expected strategy wide with numHeads 2, got 3; make it for this model$/,
    ],
    ['a string that it throws', source('throws-text', "(() => { throw 'not today' })()"), /cannot be made: not today/],
    [
      'nothing that it throws',
      source('throws-none', '(() => { throw undefined })()'),
      /cannot be made: it threw undefined/,
    ],
    [
      'what it throws',
      source('throws', "(() => { throw new RangeError('no such head') })()"),
      /cannot be made: no such head/,
    ],
    ['no strategy', 'export const make = () => 5', /return a PositionStrategy, got number without specVersion/],
    ['a promise', 'export const make = async () => ({ specVersion: 1 })', /got a promise/],
    ['no exports', 'const x = 1', /expected one exported function.+got no exports/],
    [
      'a strategy',
      'export const mine = { specVersion: 1 }',
      /got a strategy as mine; export the function that makes it/,
    ],
    [
      'two functions',
      source('two', '0.5', 'export function also() {}'),
      /got functions also, make; choose one: \S+#also/,
    ],
    ['broken syntax', 'export const x = (', /cannot be loaded: .*Unexpected token.*broken-syntax\.ts:1:\d+/],
    ['a missing import', "import 'no-such-package'", /cannot be loaded: Cannot find module 'no-such-package'/],
  ])('is refused in one line for %s', async (what, text, message) => {
    const path = await file(`refused-${what.replaceAll(' ', '-')}.ts`, text)
    const error = await admit(path).catch((thrown: Error) => thrown)
    expect(String(error)).toMatch(message)
    expect(String(error)).not.toContain('\n')
  })

  it('is refused under the name of another', async () => {
    const paths = [await file('d.ts', source('twin')), await file('e.ts', source('twin', '0.5'))]
    await expect(admit(...paths)).rejects.toThrow(/e\.ts: expected a name of its own, got twin, and twin is another/)
  })
})

describe('a strategy with options', () => {
  it('is built in, and goes by a name that says them', async () => {
    const { config, registry } = await admitAll('rotary', 'rotary:base=500000', 't5-bias:numBuckets=16:as=t5-16')
    expect(config).toEqual({
      strategies: ['rotary', 'rotary-base-500000', 't5-16'],
      variants: {
        'rotary-base-500000': { use: 'rotary', options: { base: 500_000 } },
        't5-16': { use: 't5-bias', options: { numBuckets: 16 } },
      },
    })
    const made = registry.make('t5-16', { ...model, variants: config.variants })
    expect(made).toMatchObject({
      name: 't5-16',
      parameters: { [Object.keys(made.parameters!)[0]!]: { shape: [16, 2] } },
    })
    const references = ['rotary', 'rotary:base=500000', 't5-bias:numBuckets=16:as=t5-16']
    expect(config.strategies.map((name) => referenceOf(name, config))).toEqual(references)
    expect(namesOf(references, config)).toEqual(config.strategies)
    const again = repeatCommand({ ...resolveRunConfig({}), ...config })
    expect(again).toBe(`pnpm bench run --preset quick --strategies ${references.join(',')}`)
  })

  it.each([
    [
      'rotary:theta=5',
      'strategy rotary: expected an option from base, rotaryDim, pairing, scaling, factor, proportion, got theta',
    ],
    ['none:base=5', 'strategy none: expected an option from none at all, got base'],
    ['rotary:base=many', 'strategy rotary: base: expected a number, got many'],
    ['rotary:pairing=third', 'strategy rotary: pairing: expected half or interleaved, got third'],
    ['rotary:base=0', 'base'],
    ['rotary:base=1:base=2', 'expected each option once, got base twice'],
    ['rotary:base=5:as=alibi', 'got alibi, and alibi is another strategy'],
    ['rotary:base=5:as=a/b', 'expected a name of at most 64'],
    ['./mine.ts:slope=5', 'expected options with a built-in strategy'],
    ['./mine.ts:as=other', 'expected as with a built-in strategy'],
    ['rotary:constructor=5', 'got constructor'],
  ])('is refused in one line: %s', async (reference, message) => {
    const error = await admit(reference).catch((thrown: Error) => thrown)
    expect(String(error)).toContain(message)
    expect(String(error)).not.toContain('\n')
  })

  it('is refused under the name of another', async () => {
    await expect(admit('rotary:base=5:as=mine', 'rotary:base=6:as=Mine')).rejects.toThrow(
      'got Mine, and mine is another',
    )
  })
})

it('says which strategy is slow', async () => {
  lines = []
  const slow = source('slow', '(() => { const end = Date.now() + 150; while (Date.now() < end); return 1 })()')
  await admit(
    await file(
      'slow.ts',
      slow.replace('const slopes =', 'const slopes = () =>').replace('ops.tensor(slopes,', 'ops.tensor(slopes(),'),
    ),
  )
  expect(lines.join('\n')).toMatch(/strategy slow \(\S+\) is slow: .* s for 48 positions/)
})

describe('the command line', () => {
  const start = (...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      execFile(
        process.execPath,
        [bench, ...args, ...(args[0] === 'report' ? [] : ['--backend', 'cpu'])],
        { cwd: folder, env: { ...process.env, XDG_DATA_HOME: join(folder, 'data') } },
        (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
      )
    })
  const evaluate = (...more: string[]) => start('eval', 'run/checkpoints/mine-seed1', '--eval-tokens', '64', ...more)

  it('trains files and installed packages, and remembers where they came from', async () => {
    await file('text.txt', 'some words to read, again and again. '.repeat(200))
    await file('mine.ts', source('mine'))
    const installed = join(folder, 'node_modules/a-strategy')
    await mkdir(installed, { recursive: true })
    await writeFile(join(installed, 'package.json'), '{"type":"module","exports":{"import":"./index.js"}}')
    await writeFile(
      join(installed, 'index.js'),
      "export default () => Object.freeze({ specVersion: 1, name: 'nothing' })",
    )
    const size = ['--num-layers', '1', '--model-dim', '8', '--num-heads', '2', '--batch-size', '1', '--steps', '2']
    const lengths = ['--train-length', '16', '--eval-lengths', '32', '--eval-tokens', '64']
    const strategies = ['--strategies', 'none,a-strategy,./mine.ts']
    const done = await start('run', '--data', 'text.txt', ...strategies, ...size, ...lengths, '--out', 'run')
    expect(done).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('strategy mine (./mine.ts): 13 conformance cases hold'),
    })
    const { run, evals } = await readResults(join(folder, 'run'))
    expect(run.config.plugins).toMatchObject({
      mine: { from: join(folder, 'mine.ts') },
      nothing: { from: 'a-strategy' },
    })
    expect(repeatCommand(savedConfig(run)!)).toContain(`--strategies none,a-strategy,${join(folder, 'mine.ts')} `)
    const [none, nothing, mine] = evals.map(({ lossNats }) => lossNats)
    expect(nothing).toBe(none)
    const again = await evaluate('--eval-lengths', '32')
    expect(JSON.parse(again.stdout)).toMatchObject({ strategy: 'mine', lossNats: mine })
    const resumed = await start('run', '--resume', '--out', 'run', ...strategies)
    expect(resumed).toMatchObject({ code: 0, stdout: expect.stringMatching(/\| mine +\|/) })
  })

  it('notices a strategy that has moved or changed', async () => {
    await rename(join(folder, 'mine.ts'), join(folder, 'moved.ts'))
    expect(await evaluate()).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('mine was trained with it: put it back'),
    })
    expect(await evaluate('--strategy', './moved.ts')).toMatchObject({ code: 0 })
    await file('mine.ts', source('mine', '0.5'))
    const unnamed = { code: 1, stderr: expect.stringContaining('which has changed since; nothing of it was run') }
    expect(await start('run', '--resume', '--out', 'run')).toMatchObject(unnamed)
    const changed = { code: 1, stderr: expect.stringContaining('expected mine to compute what it did') }
    const named = ['--strategies', 'none,a-strategy,./mine.ts']
    expect(await start('run', '--resume', '--out', 'run', ...named)).toMatchObject(changed)
    const report = await start('report', 'run', '--plugins')
    expect(report).toMatchObject({ code: 0, stderr: expect.stringContaining('no picture of what mine adds to scores') })
  })

  it('goes on with the training of one', async () => {
    await file('trained.ts', source('trained'))
    const size = [
      '--num-layers',
      '1',
      '--model-dim',
      '8',
      '--num-heads',
      '2',
      '--batch-size',
      '1',
      '--train-length',
      '16',
    ]
    const train = (...more: string[]) => start('train', '--out', 'trained', ...more)
    const begun = await train('--strategy', './trained.ts', '--data', 'text.txt', ...size, '--steps', '1')
    expect(begun).toMatchObject({ code: 0, stdout: expect.stringContaining('checkpoints/trained-seed1') })
    expect(await train('--resume')).toMatchObject({ code: 0, stdout: begun.stdout })
    expect(await train('--resume', '--strategy', 'alibi')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('got strategies alibi instead of trained'),
    })
  })

  it('refuses a strategy before any training', async () => {
    await file('minus.ts', source('minus', '-1'))
    const refused = await start('run', '--data', 'text.txt', '--strategies', './minus.ts', '--out', 'refused')
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('fails 1 of 13 conformance cases') })
    await expect(readResults(join(folder, 'refused'))).rejects.toThrow('which has none')
  })
})
