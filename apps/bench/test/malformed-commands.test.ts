// Command lines that cannot be meant. Each is refused soon, in one line that says what was expected, and leaves the disk as it
// was.
import { mkdirSync, mkdtempSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { bench } from './command-line.js'

// Handlers of signals would add up.
vi.mock(import('../src/terminal/interrupt.js'), async (original) => ({
  ...(await original()),
  interruptSignal: () => new AbortController().signal,
}))

const TIME_LIMIT = 5_000
const VERBS = [
  'run',
  'sweep',
  'worker',
  'queue',
  'watch',
  'train',
  'eval',
  'generate',
  'report',
  'compare',
  'export',
  'doctor',
  'models',
  'inspect',
  'ask',
  'paper',
]
const folder = mkdtempSync(join(tmpdir(), 'alibi-malformed-'))
const before = process.cwd()
beforeAll(async () => {
  // Modules are read once: no case waits for them.
  for (const verb of VERBS) await import(`../src/commands/${verb}.ts`)
  process.chdir(folder)
  writeFileSync('text.txt', 'a text of few words. '.repeat(50))
  writeFileSync('latin.bin', Buffer.from([1, 0, 2, 0, 0]))
  writeFileSync('empty.txt', '')
  writeFileSync('broken.ts', 'export default (')
  writeFileSync('nothing.ts', '')
  writeFileSync('throws.ts', "export default () => { throw new Error('first line\\nsecond line') }")
  writeFileSync('plan.yaml', 'strategies: [alibi]\ntrainLengths: [8]\nseeds: [1]\nsettings: { data: ./text.txt }\n')
  mkdirSync('folder')
  mkdirSync('run')
  writeFileSync('run/results.jsonl', 'no results\n')
})
afterAll(async () => {
  process.chdir(before)
  await rm(folder, { recursive: true })
})

/** Everything below the folder, with sizes and times. */
const disk = () =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => [name, statSync(join(folder, name)).size, statSync(join(folder, name)).mtimeMs])

const numeric = (option: string, ...values: readonly string[]) => values.map((value) => ['run', `--${option}=${value}`])
const strategies = (...values: readonly string[]) => values.map((value) => ['run', '--strategies', value])
/** What a dry run would have to estimate. */
const dry = (...values: readonly string[]) =>
  strategies(...values).map((words) => [...words, '--dry-run', '--backend', 'cpu'])
const nothing = ['', '-', 'many', 'NaN', '-Infinity', '1e400', '0x10', '1;5']

const cases: readonly (readonly string[])[] = [
  // Verbs and options that there are not.
  ...[['rum'], ['runs'], ['--steps', '5'], ['-v'], ['run', 'alibi']],
  ...[
    ['run', '--step', '5'],
    ['run', '--steps'],
    ['run', '-s', '5'],
    ['run', '--no-steps'],
    ['run', '--resume=yes'],
  ],
  ...[
    ['train', '--strategies', 'alibi'],
    ['train', '--eval-lengths', '8'],
    ['sweep', 'plan.yaml', '--steps', '5'],
  ],
  ...[['sweep'], ['eval'], ['generate'], ['report'], ['compare', 'run'], ['export', 'run'], ['watch'], ['paper']],
  ...[
    ['report', 'run', 'run'],
    ['compare', 'run', 'run', 'run'],
    ['paper', 'here', 'there'],
    ...['9', '5,', 'x', ''].map((value) => ['paper', 'here', `--table=${value}`]),
    ...['7', '64,', 'x', ''].map((value) => ['paper', 'here', `--rows=${value}`]),
    ['doctor', 'now'],
    ['models', 'llama'],
    ['inspect'],
    ['ask'],
    ['ask', 'run', '--prompt', 'x'],
    ['ask', 'run', '--max-tokens', '-1'],
    ['ask', 'nowhere'],
    ['inspect', 'run'],
    ['inspect', 'text.txt'],
    ['inspect', 'nowhere'],
    ['inspect', 'run', '--length', '0'],
    ['sweep', 'plan.yaml', 'plan.yaml'],
  ],
  ...dry('./nothere.ts', 'alibbi', 'broken.ts', './nothing.ts', 'rotary:theta=1'),
  // Numbers.
  ...nothing.map((value) => ['run', `--steps=${value}`]),
  ...nothing.map((value) => ['run', `--eval-lengths=8,${value}`]),
  ...nothing.map((value) => ['train', `--seed=${value}`]),
  ...nothing.map((value) => ['sweep', 'plan.yaml', `--jobs=${value}`]),
  ...numeric('steps', '0', '-5', '0.5', '1e10', '9007199254740993'),
  ...numeric('train-length', '0', '-1', '1.5', '1e15', '2147483648'),
  ...numeric('batch-size', '0', '-8', '1.5', '1e15'),
  ['run', '--backend', 'cpu', '--batch-size', '100000000'],
  ...numeric('micro-batches', '0', '3', '16', '0.5'),
  ...numeric('num-layers', '0', '1.5', '2000000', '1e300'),
  ...numeric('model-dim', '0', '130', '-128', '1e9'),
  ...numeric('num-heads', '0', '3', '256', '-4'),
  ...numeric('vocabulary-size', '0', '1.5', '-1'),
  ...['dropout', 'attention-dropout', 'activation-dropout', 'tail-dropout'].flatMap((name) =>
    numeric(name, '-0.1', '1', '2'),
  ),
  ...numeric('learning-rate', '0', '-1', ''),
  ...numeric('min-learning-rate', '-1', 'x'),
  ...numeric('warmup-steps', '-1', '0.5'),
  ...numeric('weight-decay', '-0.1', 'x'),
  ...numeric('clip-norm', '0', '-1'),
  ...numeric('checkpoint-every', '0', '0.5', '-1'),
  ...numeric('eval-tokens', '0', '-1', '1e15'),
  ...numeric('stride', '0', '-1', '129', '1.5'),
  ...numeric('random-positions', '0', '1.5', '64', '-1'),
  ...numeric('eval-lengths', '', '0', '8,8', '8,,16', '8 16', ','),
  ...numeric('seeds', '', '-1', '1,1', '1.5', '1-3', 'one'),
  ...numeric('adaptive-cutoffs', '0', '', 'a,b', '2000,8000'),
  // Words.
  ...['', 'Bytes', 'bpe', 'words,prose'].map((kind) => ['run', '--tokenizer', kind]),
  ...['', 'adam', 'SGD'].map((name) => ['run', '--optimizer', name]),
  ...['', 'cuda', 'gpu'].map((name) => ['run', '--backend', name]),
  ...['', 'huge', '__proto__'].map((name) => ['run', '--preset', name]),
  ...['', 'silu'].map((name) => ['run', '--activation', name]),
  ...['', 'gpt5'].map((name) => ['run', '--architecture', name]),
  ...['', 'overlapping', 'sliding,sliding', 'sliding,'].map((names) => ['run', '--protocols', names]),
  ['run', '--preset', 'paper-small', '--tokenizer', 'bytes'],
  ['run', '--preset', 'paper-small', '--architecture', 'bloom'],
  ['run', '--random-positions', '4096', '--protocols', 'streaming'],
  // Strategies.
  ...strategies(
    '',
    ',',
    'alibi,',
    'albi',
    'ALIBI',
    'alibi,alibi',
    '__proto__',
    'constructor',
    'toString',
    '.',
    '..',
    '/',
  ),
  ...strategies('alibi:', 'alibi:scale', 'alibi:scale=', 'alibi:scale=x', 'alibi:theta=5', 'alibi:scale=1:scale=2'),
  ...strategies('alibi:scale=Infinity', 'alibi:learned=maybe', 'rotary:factor=2', 'rotary:scaling=cubic:factor=2'),
  ...strategies(
    'alibi:as=',
    'alibi:as=rotary',
    'alibi:as=../x',
    'alibi:as=a b',
    `alibi:as=${'x'.repeat(65)}`,
    'alibi:as=con',
  ),
  ...strategies(
    'alibi:scale=2:as=a,rotary:base=5:as=a',
    'none:base=5',
    './text.txt:as=x',
    './no.ts',
    './folder',
    './broken.ts',
  ),
  ...strategies(
    './nothing.ts',
    './throws.ts',
    './text.txt',
    'no-such-package',
    '@alibi/none',
    'node:fs',
    'data:text/javascript,1',
  ),
  ...['', 'albi', 'alibi,rotary', './no.ts'].map((name) => ['train', '--strategy', name]),
  // Strategies that the model cannot have.
  ...strategies('rotary:rotaryDim=7', 'alibi:scale=-1', 'learned:maxPositions=4').map((words) => [
    ...words,
    '--backend',
    'cpu',
  ]),
  ['run', '--strategies', 'rotary', '--model-dim', '6', '--num-heads', '2', '--backend', 'cpu'],
  ['run', '--strategies', 'sinusoidal', '--model-dim', '5', '--num-heads', '1', '--backend', 'cpu'],
  ['run', '--strategies', 'learned', '--random-positions', '4096', '--backend', 'cpu'],
  // A name of its own, and how to give it.
  ...strategies(
    'alibi:scale=0.1234567890123:maxBias=8.123456789012:learned=true:perLayer=true',
    'rotary:base=5,rotary:base=5.0',
  ),
  // Text.
  ...[
    '',
    'no-such-file',
    'folder',
    'empty.txt',
    'latin.bin',
    'TypeScript',
    '~/text.txt',
    'https://example.org/a.txt',
  ].map((data) => ['run', '--backend', 'cpu', '--data', data]),
  ['run', '--backend', 'cpu', '--data', 'text.txt', '--train-length', '5000'],
  ['run', '--backend', 'cpu', '--data', 'text.txt', '--train-length', '8', '--eval-lengths', '5000'],
  ['run', '--backend', 'cpu', '--data', 'passkey', '--tokenizer', 'words'],
  ['run', '--backend', 'cpu', '--data', 'copy', '--train-length', '4', '--eval-lengths', '8'],
  // Folders.
  ...['', 'text.txt', 'text.txt/below', '/proc/x', 'a\0b', 'x'.repeat(300)].map((out) => ['run', '--out', out]),
  ...['', 'text.txt', '/proc/x'].map((out) => ['sweep', 'plan.yaml', '--out', out]),
  ...['', 'text.txt'].map((to) => ['run', '--tensorboard', to]),
  ...['', 'text.txt', '/proc/x'].map((to) => ['train', '--tensorboard', to]),
  ['run', '--out', 'run'],
  ['run', '--resume', '--out', 'run'],
  ['run', '--resume', '--out', 'folder'],
  ['run', '--resume'],
  ['run', '--retrain'],
  ['train', '--retrain', '--out', 'folder/new'],
  ...['sweep', 'eval', 'generate', 'report'].flatMap((verb) =>
    ['', 'no-such', '/dev/zero'].map((path) => [verb, path]),
  ),
  ...['eval', 'generate', 'report'].flatMap((verb) => ['folder', 'run', 'text.txt'].map((path) => [verb, path])),
  ...[
    ['compare', 'run', 'run'],
    ['compare', 'run', 'folder'],
    ['compare', '', ''],
    ['compare', 'no', 'no', '--json'],
  ],
  ...[
    ['export', 'run', '--to', 'bloom'],
    ['export', 'run', '--to', 'gpt5'],
    ['export', 'run', '--to', 'bloom', '--out', 'folder'],
  ],
  ...[
    ['export', 'no', '--to', 'bloom'],
    ['export', 'run', '--to', 'bloom', '--out', ''],
  ],
  ...[
    ['watch', ''],
    ['watch', 'text.txt'],
    ['watch', '/dev/zero'],
    ['watch', 'run', '--port', '-1'],
    ['watch', 'run', '--port', 'x'],
  ],
  ...[
    ['watch', 'run', '--port', '65536'],
    ['watch', 'run', '--port', '1.5'],
    ['watch', '/proc/self'],
  ],
  // Queues.
  ...[
    ['--store', 'folder'],
    ['--priority', '1'],
    ['--queue', 'folder'],
    ['--queue'],
    ['--queue', 'redis://127.0.0.1:1'],
  ].map((more) => ['sweep', 'plan.yaml', ...more]),
  ...[['--jobs', '2'], ['--dry-run'], ['--tensorboard', 'folder'], ['--priority', '0']].map((more) => [
    ...['sweep', 'plan.yaml', '--queue', 'redis://127.0.0.1:1'],
    ...more,
  ]),
  ...[
    ['worker'],
    ['worker', '--queue', 'http://127.0.0.1:1'],
    ['worker', '--queue', 'redis://:a@127.0.0.1:1'],
    ['worker', '--queue', 'redis://127.0.0.1:1'],
    ['worker', '--queue', 'redis://127.0.0.1:1', '--jobs', '0'],
    ['worker', '--queue', 'redis://127.0.0.1:1', '--lost-after', '1'],
    ['worker', '--queue', 'redis://127.0.0.1:1', '--store', 's3://bucket'],
    ['queue', 'stop', '--queue', 'redis://127.0.0.1:1'],
    ['queue', 'cancel', '--queue', 'redis://127.0.0.1:1'],
    ['queue', 'show', 'all', '--queue', 'redis://127.0.0.1:1'],
    ['queue', 'priority', 'all', '--queue', 'redis://127.0.0.1:1'],
    ['queue', 'priority', 'all', '--priority', '-1', '--queue', 'redis://127.0.0.1:1'],
  ],
  // Values of the other commands.
  ...[
    ['--stride', '0'],
    ['--stride', '5'],
    ['--protocol', 'wrong'],
    ['--windows', 'half'],
    ['--first-token', 'x'],
  ].map((more) => [...['eval', 'run'], ...more]),
  ...[
    ['--eval-lengths', '0'],
    ['--eval-tokens', '-1'],
    ['--train-length', '1.5'],
    ['--attention-window', 'x'],
    ['--attention-window', '0'],
  ].map((more) => [...['eval', 'run'], ...more]),
  ...[
    ['--temperature', '-1'],
    ['--top-k', '0'],
    ['--top-p', '2'],
    ['--seed', '1.5'],
    ['--max-new-tokens', '1e300'],
    ['--temperature', 'hot'],
    ['--top-k', ''],
    ['--top-p', 'x'],
    ['--seed', '1e999'],
    ['--max-new-tokens', 'all'],
    ['--repetition-penalty', '-1'],
    ['--batch-size', '0'],
    ['--stop', ''],
    ['--prompts', 'nowhere.txt'],
    ['--prompts', 'empty.txt'],
    ['--prompts', 'folder'],
  ].map((more) => [...['generate', 'run'], ...more]),
]

it('there are enough of them, and each once', () => {
  expect(new Set(cases.map((words) => JSON.stringify(words))).size).toBe(cases.length)
  expect(cases.length).toBeGreaterThan(250)
})

it.each(cases.map((words) => ({ words, name: JSON.stringify(words).slice(0, 90) })))(
  '$name',
  { timeout: TIME_LIMIT },
  async ({ words }) => {
    const was = disk()
    const { code, stdout, stderr } = await bench(...words)
    expect(stderr.at(-1)).toMatch(/^bench: /)
    expect(stderr.filter((line) => line.startsWith('bench: '))).toHaveLength(1)
    expect(stderr.at(-1)).toMatch(/expected .*, got |cannot |unknown |missing |too many /)
    expect(stderr.at(-1)).not.toMatch(
      /undefined|\[object|is not a |Cannot |at position|(?<!ParseError: )Unexpected|E[A-Z]{4,}/,
    )
    expect(stderr.at(-1)!.length).toBeLessThan(900)
    expect(stderr.join('\n')).not.toContain('    at ')
    expect(stdout).toEqual([])
    expect(code).toBe(1)
    expect(disk()).toEqual(was)
  },
)
