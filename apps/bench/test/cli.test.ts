import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cellsOptions, configOptions, number } from '../src/commands/options.js'
import { runConfigSchema } from '../src/config/schema.js'
import { planSchema } from '../src/sweep/plan.js'
import { asOptions, pasteable } from '../src/terminal/shell.js'

const bench = fileURLToPath(new URL('../bin/bench.js', import.meta.url))
const recorder = new URL('./record-modules.mjs', import.meta.url).href

describe('--help', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'alibi-cli-'))
  })
  afterAll(() => rm(folder, { recursive: true }))

  /** The modules that a command loads, without Node's own. */
  async function loaded(...args: string[]): Promise<string[]> {
    const record = join(folder, `${args.join('-')}.txt`)
    await promisify(execFile)(process.execPath, ['--import', recorder, bench, ...args], {
      env: { ...process.env, RECORD_MODULES: record },
    })
    return (await readFile(record, 'utf8')).trim().split('\n')
  }

  it('loads commander and nothing else', async () => {
    const modules = await loaded('--help')
    const own = modules.filter((url) => !url.includes('/node_modules/commander/'))
    expect(own.map((url) => url.replace(/^.*\/apps\/bench\//, '')).sort()).toEqual([
      'bin/bench.js',
      'dist/cli.js',
      'dist/commands/command-line.js',
      'dist/files/errno.js',
      'dist/terminal/interrupt.js',
    ])
    expect(modules.length).toBeGreaterThan(own.length)
  })

  it('of compare loads no TensorFlow.js', async () => {
    expect((await loaded('compare', '--help')).filter((url) => /tensorflow|tfjs|echarts|jiti/.test(url))).toEqual([])
  })

  it.each([
    '',
    'run',
    'sweep',
    'worker',
    'queue',
    'watch',
    'train',
    'eval',
    'tokenizer',
    'generate',
    'paper',
    'report',
    'compare',
    'export',
    'doctor',
    'models',
    'inspect',
    'ask',
  ])('of %j keeps to 80 columns', async (verb) => {
    const { stdout } = await promisify(execFile)(process.execPath, [bench, ...(verb ? [verb] : []), '--help'])
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([])
    if (verb === 'run') {
      expect(stdout).toMatch(/--steps <n> +training steps \(1500\)/)
      expect(stdout.match(/^ {2}pnpm bench run .*/gm)).toHaveLength(2)
    }
  })
})

it('every setting of a run is an option', () => {
  const options = [...configOptions(), ...cellsOptions()].map((option) => option.attributeName())
  // Where strategies came from and their options are told by --strategies, a tokenizer.json by --tokenizer, a model to go on
  // from by train --from.
  const { plugins: _, variants: __, tokenizerFile: ___, from: ____, ...settings } = runConfigSchema.shape
  expect([...new Set(options)].sort()).toEqual(Object.keys(settings).sort())
})

it('every setting of a plan is an option of run, and the other way round', () => {
  const options = new Set([...configOptions(), ...cellsOptions()].map((option) => option.attributeName()))
  const { settings, $schema: _, description: __, cells: ___, trainLengths, sizes, ...lists } = planSchema.shape
  // One value on the command line where a plan has a list.
  const size = Object.keys(sizes.unwrap().element.shape)
  const named = [
    ...Object.keys(settings.unwrap().shape),
    ...size,
    ...Object.keys(lists),
    ...(trainLengths ? ['trainLength'] : []),
  ]
  // Of several train lengths alone: rows × train length; and several of what data is one of.
  expect(named.filter((name) => name !== 'tokensPerStep' && name !== 'tasks').sort()).toEqual([...options].sort())
})

describe('a number', () => {
  it.each([
    ['12', 12],
    ['-4', -4],
    ['1_000', 1000],
    ['3e-4', 0.0003],
    [' .5 ', 0.5],
  ])('is %j', (text, value) => expect(number(text)).toBe(value))

  it.each(['', ' ', 'NaN', 'Infinity', '-Infinity', '1e400', '0x10', '0b1', '1,5', '1 2', 'many', '--', '1e', '_'])(
    'is not %j',
    (text) => expect(() => number(text)).toThrow('expected a number'),
  )
})

describe('a printed command', () => {
  it('is taken by a shell as it was meant', async () => {
    const words = ['run', '--out', "it's a folder", '--data', '$HOME/*', '--x', '~', '--y', 'a"b\\c', '--z', '']
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      `pnpm() { printf '%s\\n' "$@"; }; ${pasteable(...words)}`,
    ])
    expect(stdout.split('\n').slice(0, -1)).toEqual(['bench', ...words])
  })

  it('has settings as options', () => {
    const settings = {
      trainLength: 64,
      evalLengths: [64, 128],
      finalNorm: false,
      windowedControl: true,
      stride: undefined,
    }
    expect(asOptions(settings).join(' ')).toBe(
      '--train-length 64 --eval-lengths 64,128 --no-final-norm --windowed-control',
    )
  })
})
