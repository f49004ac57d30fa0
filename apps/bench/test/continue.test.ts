// Models that are trained on from others: from checkpoints of the bench, and from folders of transformers.
import { createHash } from 'node:crypto'
import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readResults } from '@alibi/results/node'
import { readCheckpointInfo } from '@alibi/transformer/node'
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
    expect(said).toContain('learning rate 0.001, as nothing else was asked for')
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
      /expected a folder of transformers .* got .*source, which is not there/,
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
    await refused('got the file', '--from', at('text.txt'))
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
    await refused('got model, which has no optimizer'.replace('model', learned), '--from', learned, '--keep-optimizer')
  })
})
