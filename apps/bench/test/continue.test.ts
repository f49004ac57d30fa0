// Models that are trained on from others: from checkpoints of the bench, and from folders of transformers.
import { createHash } from 'node:crypto'
import { cp, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadFairseq, saveFairseq } from '@alibi/fairseq'
import { readResults } from '@alibi/results/node'
import { sinusoidal } from '@alibi/sinusoidal'
import { createModel } from '@alibi/transformer'
import { readCheckpointInfo, readParameters } from '@alibi/transformer/node'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { folderOf, temporary } from '../../../packages/huggingface/test/folders.js'
import { runConfigSchema } from '../src/config/schema.js'
import { byteTokenizer } from '../src/data/tokenizer/tokenizer.js'
import { repeatCommand } from '../src/report/repeat.js'
import { copyOf } from './checkpoint-folders.js'
import { bench } from './command-line.js'

vi.mock(import('../src/terminal/interrupt.js'), async (original) => ({
  ...(await original()),
  interruptSignal: () => new AbortController().signal,
}))

const at = (...names: string[]) => join(temporary, ...names)
const golden = JSON.parse(await readFile(new URL('golden/positions.json', import.meta.url), 'utf8'))
const bloom = fileURLToPath(new URL('golden/bloom', import.meta.url))
const checkpointOf = (run: string, name: string) => at(run, 'checkpoints', `${name}-seed1`)

async function run(...words: readonly string[]) {
  const { code, stdout, stderr } = await bench(...words, '--backend', 'cpu')
  const problems = stderr.filter((line) => line.startsWith('bench: '))
  return { code, stdout, stderr: stderr.join('\n'), problems }
}
const steps = ['--steps', '4', '--checkpoint-every', '2', '--batch-size', '2']
/** Trains on in a folder of its own. */
async function trainOn(out: string, from: string, ...more: readonly string[]) {
  const { code, problems, stderr } = await run(
    'train',
    '--from',
    from,
    '--data',
    at('text.txt'),
    '--out',
    at(out),
    ...steps,
    ...more,
  )
  expect(problems).toEqual([])
  expect(code).toBe(0)
  return stderr
}
async function losses(checkpoint: string, ...more: readonly string[]): Promise<number[]> {
  const { stdout, problems } = await run(
    'eval',
    checkpoint,
    '--data',
    at('text.txt'),
    '--eval-lengths',
    '8,32',
    '--eval-tokens',
    '64',
    ...more,
  )
  expect(problems).toEqual([])
  return stdout.map((line) => JSON.parse(line).lossNats)
}
const weightsOf = (checkpoint: string) => readFile(join(checkpoint, 'weights.safetensors'))

let rotary: string
beforeAll(async () => {
  await writeFile(at('text.txt'), Array.from({ length: 300 }, (_, i) => `${i} is ${i % 7}.\n`).join(''))
  const sizes = [
    '--num-layers',
    '1',
    '--model-dim',
    '16',
    '--num-heads',
    '2',
    '--train-length',
    '8',
    '--learning-rate',
    '0.01',
  ]
  const { code } = await run(
    'train',
    '--strategy',
    'rotary',
    '--data',
    at('text.txt'),
    '--out',
    at('rotary'),
    ...steps,
    ...sizes,
  )
  expect(code).toBe(0)
  rotary = checkpointOf('rotary', 'rotary')
})

describe('a checkpoint of the bench', () => {
  it('is trained on with other positions at another length, and says where it came from', async () => {
    const before = await losses(rotary, '--positions', 'yarn:factor=4')
    const said = await trainOn('yarn', rotary, '--positions', 'yarn:factor=4', '--train-length', '32')
    expect(said).toContain(`goes on from ${rotary}, rotary trained at 8; positions yarn-factor-4 in its place`)
    expect(said).toContain('learning rate 0.001 of adamw, as nothing else was asked for')
    const { run: line, train } = await readResults(at('yarn'))
    const config = runConfigSchema.parse(line.config)
    expect(config).toMatchObject({
      strategies: ['yarn-factor-4'],
      ...{ trainLength: 32, learningRate: 0.001, warmupSteps: 20, weightDecay: 0, tokenizer: 'bytes', modelDim: 16 },
      from: {
        path: resolve(rotary),
        sha256: createHash('sha256')
          .update(await weightsOf(rotary))
          .digest('hex'),
        trainedWith: 'rotary',
        positions: 'yarn:factor=4',
        origin: {
          scaling: { use: 'yarn', options: { factor: 4, originalMaxPositions: 8 } },
          ...{ trainLength: 8, of: { strategy: 'rotary', trainLength: 8 } },
        },
      },
    })
    const again = repeatCommand(config)
    expect(again).toContain(
      `pnpm bench train --preset quick --from ${resolve(rotary)} --positions yarn:factor=4 --seed 1`,
    )
    expect(again).toContain('--learning-rate 0.001')
    expect(again).not.toMatch(/--(num-layers|tokenizer|eval-lengths|strategies)/)
    expect(train.at(-1)).toMatchObject({ strategy: 'yarn-factor-4', trainLength: 32, step: 4 })
    const after = await losses(checkpointOf('yarn', 'yarn-factor-4'))
    expect(after[1]).toBeLessThan(before[1]!)
    // Scaled otherwise, it belongs to the length that it was first trained at.
    const [same] = await losses(checkpointOf('yarn', 'yarn-factor-4'), '--positions', 'yarn:factor=4:as=again')
    expect(same).toBe(after[0])
  })

  it('resumes without the one that it came from, and begins anew with it alone', async () => {
    const source = at('source')
    await cp(rotary, source, { recursive: true })
    await trainOn('resumed', source, '--positions', 'none')
    const own = checkpointOf('resumed', 'none')
    const want = await weightsOf(own)
    const resume = () => run('train', '--resume', '--out', at('resumed'))

    await rename(source, at('gone'))
    expect(await resume()).toMatchObject({ code: 0 })
    await rm(own, { recursive: true })
    expect((await resume()).problems.join()).toMatch(
      /expected .* a folder of transformers .* got .*source, which is not there/,
    )
    await cp(await copyOf('checkpoint'), source, { recursive: true })
    expect((await resume()).problems.join()).toMatch(
      /expected the weights that .*resumed was begun from in .*source, got others/,
    )
    await rm(source, { recursive: true })
    await rename(at('gone'), source)
    expect(await resume()).toMatchObject({ code: 0 })
    expect(await weightsOf(own)).toEqual(want)

    const results = at('resumed', 'results.jsonl')
    const lines = await readFile(results, 'utf8')
    await writeFile(results, lines.replace(/"sha256":"\w+"/, `"sha256":"${'0'.repeat(64)}"`))
    expect((await resume()).problems.join()).toMatch(
      /checkpoint: expected from weights 0{64}, as the run has it, .*another run/,
    )
    await writeFile(results, lines)

    const other = ['--from', rotary, '--out', at('resumed'), '--resume']
    expect((await run('train', ...other)).code).toBe(0)
    const wrong = ['--from', await copyOf('checkpoint'), '--out', at('resumed'), '--resume']
    expect((await run('train', ...wrong)).problems.join()).toMatch(/was begun from, those of .*source, got others in/)
  })

  it('goes on with its optimizer, as if its training had not ended', async () => {
    const rate = [
      '--learning-rate',
      '0.01',
      '--warmup-steps',
      '0',
      '--weight-decay',
      '0.1',
      '--min-learning-rate',
      '0.01',
    ]
    await trainOn('kept', rotary, '--keep-optimizer', ...rate)
    const info = await readCheckpointInfo(checkpointOf('kept', 'rotary'))
    expect(info).toMatchObject({ step: 4, optimizer: { stepsBefore: 4 } })
    await trainOn('anew', rotary, ...rate)
    expect(await weightsOf(checkpointOf('kept', 'rotary'))).not.toEqual(await weightsOf(checkpointOf('anew', 'rotary')))
    // Twice: the steps of all that went before count.
    await trainOn('twice', checkpointOf('kept', 'rotary'), '--keep-optimizer', ...rate)
    expect(await readCheckpointInfo(checkpointOf('twice', 'rotary'))).toMatchObject({ optimizer: { stepsBefore: 8 } })
  })

  it('is kept with other positions and no step', async () => {
    const words = ['train', '--from', rotary, '--data', at('text.txt'), '--positions', 'ntk:factor=4', '--steps', '0']
    expect(await run(...words, '--out', at('still'))).toMatchObject({ problems: [], code: 0 })
    const own = checkpointOf('still', 'ntk-factor-4')
    expect(await losses(own)).toEqual(await losses(rotary, '--positions', 'ntk:factor=4'))
    expect(await run('train', '--resume', '--out', at('still'))).toMatchObject({ code: 0 })
  })

  it('takes parameters of new positions from the seed, and keeps those of its own kind', async () => {
    const said = await trainOn('t5', rotary, '--positions', 't5-bias')
    expect(said).toContain('position parameters start anew: position.table')
    const kept = await trainOn('t5-again', checkpointOf('t5', 't5-bias'), '--length-schedule', '8:0.5,16:0.5')
    expect(kept).not.toContain('start anew')
    expect(await losses(checkpointOf('t5-again', 't5-bias'))).toHaveLength(2)
  })
})

describe('a folder of transformers', () => {
  it('is trained on with its own tokenizer, and written back', async () => {
    const source = at('bloom')
    await cp(bloom, source, { recursive: true })
    await trainOn('bloom-on', source, '--train-length', '16')
    await rm(source, { recursive: true })
    const own = checkpointOf('bloom-on', 'alibi')
    const want = await losses(own)
    const exported = await bench('export', own, '--to', 'bloom', '--out', at('bloom-out'))
    expect(exported.code).toBe(0)
    const got = await losses(at('bloom-out'))
    for (const [i, loss] of want.entries()) expect(got[i]).toBeCloseTo(loss, 6)
    const files = [at('bloom-out'), bloom].map((folder) => readFile(join(folder, 'tokenizer.json'), 'utf8'))
    const [ours, theirs] = await Promise.all(files)
    expect(ours).toBe(theirs)
  })

  it.each([
    ['yarn:factor=4', { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32, rope_theta: 10_000 }],
    ['ntk:factor=4', { rope_type: 'default', rope_theta: Number((10_000 * 4 ** (8 / 6)).toPrecision(12)) }],
  ])('keeps the base of its rotation under %s, and is written with it', async (positions, rope) => {
    const folder = await folderOf(golden.families.llama)
    await writeFile(join(folder, 'tokenizer.json'), byteTokenizer.files()['tokenizer.json']!)
    const [name] = positions.split(':') as [string]
    const before = await losses(folder, '--positions', positions)
    // A rate so small that nothing moves.
    const options = ['--positions', positions, '--train-length', '64', '--learning-rate', '1e-30']
    await trainOn(`llama-${name}`, folder, ...options)
    const own = checkpointOf(`llama-${name}`, `${name}-factor-4`)
    const out = at(`llama-${name}-out`)
    expect((await bench('export', own, '--to', 'llama', '--out', out)).code).toBe(0)
    for (const checkpoint of [own, out])
      for (const [i, loss] of (await losses(checkpoint)).entries()) expect(loss).toBeCloseTo(before[i]!, 6)
    const config = JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))
    expect(config).toMatchObject({ max_position_embeddings: 64, rope_parameters: rope })
  })
})

describe('a file of fairseq', () => {
  const golden = (name: string) => new URL(`../../../packages/fairseq/test/golden/${name}`, import.meta.url)
  /** In a folder of its own, as one that a model of fairseq is in. */
  async function fileOf(folder: string, name: string, words = 'paper-tiny.dict.txt') {
    await mkdir(at(folder))
    await cp(golden(name), at(folder, 'model.pt'))
    await cp(golden(words), at(folder, 'dict.txt'))
    return at(folder, 'model.pt')
  }
  let text: string
  beforeAll(async () => {
    text = at('valid.tokens')
    const lines = (await readFile(golden('paper-tiny.valid.tokens'), 'utf8')).split('\n')
    await writeFile(text, lines.slice(0, 24).join('\n'))
  })
  const scored = (checkpoint: string, ...more: readonly string[]) =>
    run('eval', checkpoint, '--data', text, '--whole', '--eval-lengths', '48', ...more)
  const lossesOf = async (checkpoint: string, ...more: readonly string[]) => {
    const { stdout, problems } = await scored(checkpoint, ...more)
    expect(problems).toEqual([])
    return stdout.map((line) => JSON.parse(line).lossNats as number)
  }
  const on = (out: string, from: string, ...more: readonly string[]) =>
    run('train', '--from', from, '--data', text, '--out', at(out), ...steps, ...more)

  it('is trained on with its words, as it was trained, and written back', async () => {
    const source = await fileOf('paper', 'paper-tiny.pt')
    const before = await lossesOf(source)
    const { code, problems, stderr } = await on('paper-on', source, '--steps', '8', '--train-length', '16')
    expect([code, problems]).toEqual([0, []])
    expect(stderr).toContain('learning rate 0.1 of sgd-nesterov, as nothing else was asked for')
    const { run: line, train } = await readResults(at('paper-on'))
    expect(line.config).toMatchObject({
      ...{ strategies: ['alibi'], trainLength: 16, tokenizer: 'words', vocabularySize: 424, firstToken: 'eos' },
      ...{ adaptiveCutoffs: [80, 200, 320], finalNorm: false, clipNorm: 0.1, dropout: 0.3, warmupSteps: 20 },
      from: {
        path: source,
        sha256: createHash('sha256')
          .update(await readFile(source))
          .digest('hex'),
      },
    })
    expect(repeatCommand(runConfigSchema.parse(line.config))).toContain(`--from ${source}`)
    expect(train.at(-1)).toMatchObject({ strategy: 'alibi', step: 8 })
    await rm(at('paper'), { recursive: true })
    const own = checkpointOf('paper-on', 'alibi')
    const after = await lossesOf(own)
    expect(after[0]).toBeLessThan(before[0]!)
    const exported = await bench('export', own, '--to', 'fairseq', '--out', at('paper-out'))
    expect([exported.code, exported.stderr]).toEqual([0, []])
    expect(await readFile(at('paper-out', 'dict.txt'))).toEqual(await readFile(golden('paper-tiny.dict.txt')))
    expect(await lossesOf(at('paper-out', 'model.pt'))).toEqual(after)
    // Its weights are the same bits, so that its logits are.
    const weights = await readParameters(own)
    const { model } = await loadFairseq(at('paper-out', 'model.pt'))
    expect([...model.parameters.keys()].sort()).toEqual([...weights.keys()].sort())
    for (const [name, variable] of model.parameters) expect(await variable.data()).toEqual(weights.get(name)!.data)
    model.dispose()
  })

  it('is kept as it is with no step, and with other positions', async () => {
    const source = await fileOf('still-paper', 'paper-tiny.pt')
    expect(await on('paper-still', source, '--steps', '0')).toMatchObject({ code: 0, problems: [] })
    expect(await lossesOf(checkpointOf('paper-still', 'alibi'))).toEqual(await lossesOf(source))
    expect(await on('paper-none', source, '--positions', 'none', '--train-length', '16')).toMatchObject({
      code: 0,
      problems: [],
    })
    const out = ['--to', 'fairseq', '--out', at('paper-none-out')]
    expect((await bench('export', checkpointOf('paper-none', 'none'), ...out)).code).toBe(0)
    const again = await lossesOf(at('paper-none-out', 'model.pt'), '--strategy', 'none')
    expect(again).toEqual(await lossesOf(checkpointOf('paper-none', 'none')))
  })

  it('begins anew and resumes with what was said of it', async () => {
    // Neither its positions nor how it was trained is in the file, and its words are elsewhere.
    const made = createModel(
      { vocabularySize: 424, numLayers: 1, modelDim: 16, numHeads: 2, adaptiveCutoffs: [80], finalNorm: false },
      sinusoidal({ modelDim: 16, layout: 'fairseq' }),
    )
    await mkdir(at('plain'))
    const source = at('plain', 'model.pt')
    await saveFairseq(source, made, { trainLength: 16 })
    made.dispose()
    const words = fileURLToPath(golden('paper-tiny.dict.txt'))
    expect((await on('plain-no', source, '--vocabulary', words)).problems.join()).toContain('expected a strategy')
    expect((await on('plain-no', source, '--strategy', 'sinusoidal')).problems.join()).toContain('expected dict.txt')
    const said = ['--strategy', 'sinusoidal', '--vocabulary', words]
    const { problems, stderr } = await on('plain-on', source, ...said)
    expect(problems).toEqual([])
    expect(stderr).toContain('learning rate 0.00002 of adamw')
    const { run: line } = await readResults(at('plain-on'))
    expect(repeatCommand(runConfigSchema.parse(line.config))).toContain(`--vocabulary ${words}`)
    const own = checkpointOf('plain-on', 'sinusoidal')
    const want = await weightsOf(own)
    const resume = () => run('train', '--resume', '--out', at('plain-on'))
    await rename(source, at('plain', 'gone.pt'))
    expect(await resume()).toMatchObject({ code: 0, problems: [] })
    await rename(at('plain', 'gone.pt'), source)
    await rm(own, { recursive: true })
    expect(await resume()).toMatchObject({ code: 0, problems: [] })
    expect(await weightsOf(own)).toEqual(want)
  })
})

it('a checkpoint is trained on with the optimizer that its rate is of', async () => {
  const paper = ['--optimizer', 'sgd-nesterov', '--learning-rate', '1', '--clip-norm', '0.1']
  await trainOn('nag', rotary, ...paper)
  const said = await trainOn('nag-on', checkpointOf('nag', 'rotary'))
  expect(said).toContain('learning rate 0.1 of sgd-nesterov, as nothing else was asked for')
  const { run: line } = await readResults(at('nag-on'))
  expect(line.config).toMatchObject({ optimizer: 'sgd-nesterov', learningRate: 0.1, clipNorm: 0.1 })
  const other = ['--from', checkpointOf('nag', 'rotary'), '--optimizer', 'adamw', '--data', at('text.txt')]
  expect((await run('train', ...other, '--out', at('never'))).problems.join()).toContain(
    'expected --learning-rate with --optimizer adamw, got none; the rate of',
  )
})

describe('is refused in one line', () => {
  const refused = async (message: string, ...words: readonly string[]) => {
    const { problems, code } = await run('train', '--data', at('text.txt'), '--out', at('never'), ...words)
    expect(problems).toEqual([expect.stringContaining(message)])
    expect(code).toBe(1)
  }

  it('what a model has decided', async () => {
    await refused('expected no --num-layers with --from', '--from', rotary, '--num-layers', '2')
    await refused('expected no --tokenizer with --from', '--from', rotary, '--tokenizer', 'bytes')
    await refused('expected no --strategy for', '--from', rotary, '--strategy', 'alibi')
  })

  it('options that need a model, and what is none', async () => {
    await refused('expected --positions with --from, got it alone', '--positions', 'none')
    await refused('expected --keep-optimizer with --from, got it alone', '--keep-optimizer')
    await refused('expected --vocabulary with --from, got it alone', '--vocabulary', 'dict.txt')
    await refused('expected no --vocabulary for', '--from', rotary, '--vocabulary', 'dict.txt')
    await refused('openTorch: expected', '--from', at('text.txt'))
    await refused('which is not there', '--from', at('nowhere'))
    await refused('steps: expected at least 1', '--steps', '0')
  })

  it('positions that it cannot have', async () => {
    const learned = await copyOf('transformers')
    await refused('expected a model with rotary positions to scale', '--from', learned, '--positions', 'yarn:factor=2')
    await refused(
      'expected position.table of shape [16,8]',
      '--from',
      learned,
      '--positions',
      'learned:maxPositions=32',
    )
    await refused('got maxPositions 16', '--from', learned, '--train-length', '32')
    await refused(
      'got both; its state is of other positions',
      '--from',
      rotary,
      '--positions',
      'none',
      '--keep-optimizer',
    )
    await refused(
      'got model, whose optimizer is not read'.replace('model', learned),
      '--from',
      learned,
      '--keep-optimizer',
    )
  })
})
