// `bench eval --tasks`: any checkpoint on any task, scored both ways, with its effective length.
import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { alibi } from '@alibi/alibi'
import { selectBackend } from '@alibi/backend'
import type { TaskLine } from '@alibi/results'
import { readResults } from '@alibi/results/node'
import { createModel, generate } from '@alibi/transformer'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { askedTrial } from '../src/data/tasks/asked.js'
import { openTask } from '../src/data/tasks/open.js'
import type { Trial } from '../src/data/tasks/task.js'
import { byteTokenizer } from '../src/data/tokenizer/tokenizer.js'
import { generatedShare } from '../src/experiment/generated-answers.js'
import { tryTask } from '../src/experiment/tasks.js'
import { bench } from './command-line.js'

vi.mock(import('../src/terminal/interrupt.js'), async (original) => ({
  ...(await original()),
  interruptSignal: () => new AbortController().signal,
}))
// Charts are drawn in report.test.ts.
vi.mock(import('../src/report/png.js'), () => ({ loadPng: async () => async () => new Uint8Array() }))

const folder = mkdtempSync(join(tmpdir(), 'alibi-eval-tasks-'))
const small = '--num-layers 1 --model-dim 8 --num-heads 2 --batch-size 2 --steps 1 --backend cpu --seed 3'.split(' ')
const of = (name: string) => join(folder, name, 'checkpoints/alibi-seed3')
const lines = ({ stdout }: { readonly stdout: readonly string[] }) => stdout.map((line) => JSON.parse(line) as TaskLine)

const OWN = "export const own = { unit: 'words', trial: (length) => ({ prompt: 'to '.repeat(length), answer: 'too' }) }"
beforeAll(async () => {
  process.env.XDG_DATA_HOME = join(folder, 'data')
  writeFileSync(join(folder, 'text.txt'), Array.from({ length: 200 }, (_, i) => `It is number ${i}.\n`).join(''))
  writeFileSync(join(folder, 'own.mjs'), OWN)
  const train = (name: string, data: string, length: string) =>
    bench('train', ...small, '--data', data, '--train-length', length, '--out', join(folder, name))
  expect(await train('copying', 'task:copy', '16')).toMatchObject({ code: 0 })
  expect(await train('reading', join(folder, 'text.txt'), '16')).toMatchObject({ code: 0 })
  expect(await train('own', `task:${join(folder, 'own.mjs')}`, '16')).toMatchObject({ code: 0 })
}, 60_000)
afterAll(() => rm(folder, { recursive: true }))

describe('a checkpoint', () => {
  const run = (name: string, ...words: string[]) =>
    bench('eval', of(name), '--backend', 'cpu', '--trials', '4', ...words)

  it('is tried on tasks at every length and by both scorings, as lines of JSON', async () => {
    const words = ['--tasks', 'sorting,count', '--eval-lengths', '16,24', '--scoring', 'generation,likelihood']
    const ended = await run('reading', ...words)
    expect(ended.code, ended.stderr.at(-1)).toBe(0)
    expect(lines(ended)).toMatchObject(
      ['sorting', 'count'].flatMap((task) =>
        [16, 24].flatMap((evalLength) =>
          ['likelihood', 'generation'].map((scoring) => ({
            ...{ type: 'task', strategy: 'alibi', trainLength: 16, seed: 3, size: '1x8x2' },
            ...{ task, evalLength, scoring, trials: 4 },
          })),
        ),
      ),
    )
    expect(lines(ended).every((line) => !('trainedOn' in line))).toBe(true)
    expect(ended.stderr).toContainEqual(
      expect.stringMatching(/^sorting, by generation: effective length none, the longest up to which 85\.6 %/),
    )
  })

  it('is tried on RULER’s tasks, with options in their names', async () => {
    const ended = await run('reading', '--tasks', 'vt:hops=1:shots=0', '--eval-lengths', '600', '--threshold', '0.5')
    expect(lines(ended)).toMatchObject([{ task: 'vt-hops-1-shots-0', unit: 'paragraphs', length: 2 }])
    expect(ended.stderr.at(-1)).toContain('the longest up to which 50.0 % of answers are right')
  })

  it('is tried on the task it was trained on, unless a text or others are named', async () => {
    const [line] = lines(await run('copying'))
    expect(line).toMatchObject({ task: 'copy', trainedOn: 'copy', evalLength: 16, length: 4, scoring: 'likelihood' })
    const read = await bench(
      'eval',
      of('copying'),
      '--backend',
      'cpu',
      '--data',
      join(folder, 'text.txt'),
      '--eval-tokens',
      '64',
    )
    expect(lines(read)[0]).toMatchObject({ type: 'eval', trainedOn: 'copy' })
    const other = lines(await run('copying', '--data', 'task:count'))
    expect(other).toMatchObject([{ task: 'count', trainedOn: 'copy' }])
  })

  it('hides needles in the text it was trained on, or the one that is named', async () => {
    const asked = ['--tasks', 'niah-single-2', '--eval-lengths', '600']
    expect(lines(await run('reading', ...asked))).toMatchObject([{ task: 'niah-single-2', unit: 'words' }])
    const ended = await run('copying', ...asked)
    expect(ended.stderr.at(-1)).toContain('task niah-single-2: expected a text to hide needles in, got none')
    expect((await run('copying', ...asked, '--data', join(folder, 'text.txt'))).code).toBe(0)
  })

  it('of a task of a file runs it where it was named, and only there', async () => {
    expect(lines(await run('own'))).toMatchObject([{ task: 'own', unit: 'words' }])
    const ran = join(folder, 'ran')
    writeFileSync(
      join(folder, 'own.mjs'),
      `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(ran)}, '')\n${OWN}`,
    )
    const ended = await run('own')
    expect(ended.stderr.at(-1)).toMatch(/task own: expected one that was named on this machine, .*eval: --tasks/)
    expect(existsSync(ran)).toBe(false)
    writeFileSync(join(folder, 'own.mjs'), OWN)
  })

  it.each([
    [['--tasks', 'soting'], 'unknown task soting; known: addition'],
    [['--tasks', 'copy', '--scoring', 'guess'], 'eval: scoring: expected likelihood, generation or both, got guess'],
    [['--tasks', 'copy', '--threshold', '0'], 'eval: threshold: expected a share above 0 and up to 1, got 0'],
    [['--tasks', 'copy', '--protocol', 'sliding'], 'eval: expected no --protocol with tasks, got it'],
    [['--tasks', 'copy', '--data', 'task:count'], 'eval: expected --tasks or --data task:count, got both'],
    [['--tasks', 'copy', '--eval-lengths', '5'], 'task copy: expected a length that a trial fits in, got 5 bytes'],
    [[], 'eval: expected --tasks with --trials, got none'],
  ])('refuses %j', async (words, message) => {
    const ended = await run('reading', ...words)
    expect(ended.code).toBe(1)
    expect(ended.stderr.at(-1)).toContain(message)
  })

  it('is kept beside others, with their report, the newest in place of what measured the same', async () => {
    const out = join(folder, 'kept')
    const keep = (name: string, ...words: string[]) => run(name, '--tasks', 'count', '--out', out, ...words)
    expect((await keep('reading')).stderr.at(-1)).toBe(`report: ${join(out, 'report.html')}`)
    expect((await keep('copying', '--trials', '2')).stderr.at(-1)).toMatch(/^report/)
    expect((await keep('copying', '--trials', '3', '--eval-lengths', '16,24')).code).toBe(0)
    expect((await readResults(out)).tasks).toMatchObject([
      { evalLength: 16, trials: 4 },
      { evalLength: 16, trials: 3, trainedOn: 'copy' },
      { evalLength: 24, trials: 3, trainedOn: 'copy' },
    ])
    const page = readFileSync(join(out, 'report.html'), 'utf8')
    expect(page).toContain('Effective length, tokens')
    const refused = await run('reading', '--tasks', 'count', '--out', join(folder, 'reading'))
    expect(refused.stderr.at(-1)).toContain('with the results of a run; take another --out')
  })

  it('of transformers is read with its own tokens', async () => {
    const copy = join(folder, 'bloom')
    cpSync(fileURLToPath(new URL('./golden/bloom', import.meta.url)), copy, { recursive: true })
    const words = [
      '--train-length',
      '32',
      '--tasks',
      'addition',
      '--eval-lengths',
      '32',
      '--scoring',
      'likelihood,generation',
    ]
    const ended = await bench('eval', copy, '--backend', 'cpu', '--trials', '3', ...words)
    expect(ended.code, ended.stderr.at(-1)).toBe(0)
    expect(lines(ended).map(({ scoring }) => scoring)).toEqual(['likelihood', 'generation'])
    expect(lines(ended)[0]!.length).toBeGreaterThan(2)
  })
})

describe('a generated answer', () => {
  const work = { progress: { line() {}, start() {}, update() {}, stop() {} }, signal: new AbortController().signal }
  let model: ReturnType<typeof createModel>
  beforeAll(async () => {
    await selectBackend('cpu')
    model = createModel({ vocabularySize: 256, numLayers: 1, modelDim: 8, numHeads: 2 }, alibi({ numHeads: 2 }), 4)
  })

  /** What the model writes after a prompt. */
  const after = async (prompt: string, maxNewTokens: number) =>
    byteTokenizer.decode(await generate(model, byteTokenizer.encodePrompt(prompt), { maxNewTokens, temperature: 0 }))
  const shareOf = (trial: Trial) =>
    generatedShare(model, { trial, asked: askedTrial(trial, byteTokenizer) }, byteTokenizer, { signal: work.signal })

  it('has those parts right that it contains, in whatever case', async () => {
    const prompt = 'a b c'
    const written = await after(prompt, 16)
    const parts = [written.slice(0, 2).toUpperCase(), written.slice(4, 6), 'no'] as const
    expect(await shareOf({ prompt, answer: parts.join(''), parts })).toBeCloseTo(2 / 3)
    expect(await shareOf({ prompt, answer: parts.slice(0, 2).join(''), parts: parts.slice(0, 2) })).toBe(1)
  })

  it('as a whole is right exactly where all its tokens are first choices', async () => {
    // One trial that the model cannot miss, as it was made of what it writes, and one that it misses at the end alone.
    const written = (await after('x=', 3)).slice(0, 3)
    const task = (answer: string) => ({
      ...{ name: 'made', unit: 'bytes', shortest: 1 },
      trial: () => ({ prompt: 'x=', answer, parts: [answer] }),
    })
    for (const [answer, score] of [
      [written, 1],
      [`${written.slice(0, 2)}\u0001`, 0],
    ] as const)
      for (const line of await tryTask(
        model,
        {
          ...{ cell: { strategy: 'alibi', trainLength: 8, seed: 1, size: '1x8x2' }, task: task(answer) },
          ...{ tokenizer: byteTokenizer, evalLength: 32, trials: 2, scoring: ['likelihood', 'generation'] },
        },
        work,
      ))
        expect([line.scoring, line.score]).toEqual([line.scoring, score])
  })

  it('of a task that counts whole answers agrees with its likelihoods, trial by trial', async () => {
    const task = await openTask('count', { log() {} })
    const request = {
      cell: { strategy: 'alibi', trainLength: 8, seed: 1, size: '1x8x2' },
      task,
      tokenizer: byteTokenizer,
    }
    const [likelihood, generation] = await tryTask(
      model,
      { ...request, evalLength: 24, trials: 8, scoring: ['likelihood', 'generation'] },
      work,
    )
    expect(generation!.score).toBe(likelihood!.score)
  })
})
