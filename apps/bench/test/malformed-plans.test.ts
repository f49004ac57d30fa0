// Plans that cannot be meant. Each is refused soon, in one line that names the file, and leaves the disk as it was.
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { bench } from './command-line.js'

vi.mock(import('../src/terminal/interrupt.js'), async (original) => ({
  ...(await original()),
  interruptSignal: () => new AbortController().signal,
}))

const TIME_LIMIT = 5_000
const folder = mkdtempSync(join(tmpdir(), 'alibi-plans-'))
const path = join(folder, 'plan.yaml')
beforeAll(async () => {
  await import('../src/commands/sweep.js')
})
afterAll(() => rm(folder, { recursive: true }))

const good = { strategies: ['alibi'], trainLengths: [8], seeds: [1] }
/** A good plan with one key changed. */
const keys = (key: string, ...values: readonly unknown[]) =>
  values.map((value) => JSON.stringify({ ...good, [key]: value }))
const settings = (key: string, ...values: readonly unknown[]) =>
  values.map((value) => JSON.stringify({ ...good, settings: { [key]: value } }))
const odd = [null, true, 7, 'x', {}, [null], [[]], [{}]]
const whole = [0, -1, 1.5, '8', null, [8], 1e300]

const plans: readonly (string | Buffer)[] = [
  // No YAML, or no plan.
  ...[
    '',
    ' ',
    '\n',
    'null',
    '7',
    'true',
    '[]',
    '{}',
    '"plan"',
    'strategies',
    '- alibi',
    '---\n---\n',
    '# only a comment',
  ],
  ...[
    'strategies: [alibi',
    'strategies: "alibi',
    '\tstrategies: [alibi]',
    'a: b: c',
    '{a',
    '}',
    '%',
    '@',
    '`',
    '*nobody',
  ],
  ...['strategies: [alibi]\nstrategies: [none]', 'strategies: !!js/function x', '? [a]: b', '<<: *x', '&a [*a, *a]'],
  `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'.replaceAll(/./g, (name) => `${name}: &${name} [${`*${String.fromCharCode(name.charCodeAt(0) - 1)},`.repeat(9)}]\n`)}`,
  `${'['.repeat(20_000)}`,
  `strategies: [${'alibi, '.repeat(1000)}]`,
  Buffer.from([0xff, 0xfe, 0x61, 0]),
  Buffer.from([0, 0, 0, 0]),
  Buffer.from(JSON.stringify(good), 'utf16le'),
  // Without a key, or with one that there is not.
  ...Object.keys(good).map((key) => JSON.stringify({ ...good, [key]: undefined })),
  ...['stratgies', 'steps', 'out', 'jobs', 'constructor', 'toString', '', 'trainLength', 'seed'].flatMap((key) =>
    keys(key, 1),
  ),
  '{"strategies":["alibi"],"trainLengths":[8],"seeds":[1],"__proto__":{"steps":5}}',
  // Keys with values that they cannot have.
  ...keys('strategies', [], [''], ['alibi', 'alibi'], ...odd.filter((value) => value !== 'x')),
  ...keys('trainLengths', [], [8, 8], [0], [1.5], ['8'], [9000], ...odd),
  ...keys('seeds', [], [1, 1], [-1], [1.5], ['1'], ...odd),
  ...keys(
    'sizes',
    [],
    [{ numLayers: 1 }],
    [{ numLayers: 1, modelDim: 9, numHeads: 2 }],
    [{ layers: 1 }],
    ...odd.slice(1),
  ),
  ...keys('sizes', [{ numLayers: 1, modelDim: 8, numHeads: 2, steps: 5 }]),
  ...keys('tokensPerStep', 9, ...whole),
  ...keys('preset', '', 'huge', '__proto__', null, 7, []),
  ...keys('settings', ...odd.slice(1).filter((value) => JSON.stringify(value) !== '{}')),
  ...keys('description', null, 7, []),
  JSON.stringify({ ...good, tokensPerStep: 64, settings: { batchSize: 8 } }),
  // Strategies with options.
  ...[
    { use: '' },
    { use: 7 },
    { use: 'rotary', theta: 5 },
    { use: 'rotary', base: 'x' },
    { use: 'rotary', as: '' },
  ].flatMap((each) => keys('strategies', [each])),
  ...[
    { use: './mine.ts', base: 5 },
    { use: 'albi', scale: 2 },
    { use: 'alibi', scale: null },
  ].flatMap((each) => keys('strategies', [each])),
  // Settings.
  ...['steps', 'batchSize', 'vocabularySize', 'evalTokens', 'checkpointEvery'].flatMap((key) =>
    settings(key, ...whole),
  ),
  ...['dropout', 'attentionDropout', 'tailDropout'].flatMap((key) => settings(key, -0.1, 1, '0')),
  ...['learningRate', 'clipNorm'].flatMap((key) => settings(key, 0, -1, '1', null)),
  ...['tokenizer', 'optimizer', 'activation', 'architecture'].flatMap((key) => settings(key, '', 'x', null, 7, [])),
  ...settings('protocols', [], ['x'], 'sliding', ['sliding', 'sliding']),
  ...settings('evalLengths', [0], ['8'], [8, 8], 8, [4]),
  ...settings('data', '', 7, null),
  ...settings('windowedControl', 'yes', 1),
  ...settings('adaptiveCutoffs', [0], 'x', [2000]),
  ...settings('randomPositions', 4, 0),
  ...['plugins', 'variants', 'strategies', 'seeds', 'trainLength', 'numLayers', 'presets'].flatMap((key) =>
    settings(key, {}),
  ),
]

it('there are enough of them, and each once', () => {
  const texts = plans.map(String)
  expect(texts.filter((text, i) => texts.indexOf(text) !== i)).toEqual([])
  expect(plans.length).toBeGreaterThan(120)
})

it.each(plans.map((plan) => ({ plan, name: JSON.stringify(String(plan).slice(0, 110)) })))(
  '$name',
  { timeout: TIME_LIMIT },
  async ({ plan }) => {
    writeFileSync(path, plan)
    const { code, stdout, stderr } = await bench('sweep', path, '--out', join(folder, 'out'))
    expect(stderr).toEqual([expect.stringMatching(/^bench: .*expected .*[,:] got/)])
    expect(stderr[0]).not.toMatch(/undefined|\[object|is not a |Cannot |Unexpected (?!flow)|Invalid/)
    expect(stderr[0]!.length).toBeLessThan(900)
    expect(stdout).toEqual([])
    expect(code).toBe(1)
    expect(readdirSync(folder)).toEqual(['plan.yaml'])
  },
)
