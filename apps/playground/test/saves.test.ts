import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { selectBackend } from '@alibi/backend/browser'
import { builtInStrategies } from '@alibi/strategies'
import { loadCheckpoint, readArrays, readCheckpointInfo } from '@alibi/transformer/node'
import { strFromU8, unzipSync } from 'fflate'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { corpusOf } from '../src/corpus.js'
import { lossFigure, svgOf } from '../src/figures.js'
import { newOutcome } from '../src/outcome.js'
import { lossCsv, modelsZip, perplexityCsv } from '../src/saves.js'
import { train } from '../src/worker/experiment.js'
import { createGate } from '../src/worker/gate.js'

const TEXT = 'to be or not to be, thät is the question. '.repeat(30)
const experiment = { ...corpusOf(TEXT), strategies: ['alibi', 't5-bias'], trainLength: 16, steps: 1 }

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-playground-'))
})
afterEach(() => rm(folder, { recursive: true }))

it('makes a zip of what was trained, whose models open with the same weights, step and seed', async () => {
  await selectBackend('cpu')
  const trained = []
  for (const strategy of experiment.strategies) {
    const { model, checkpoint } = await train(strategy, experiment, { gate: createGate(), tell() {} })
    trained.push({ model, outcome: { ...newOutcome(strategy), trained: true, checkpoint: checkpoint! } })
  }
  const untrained = newOutcome('rotary')
  const files = unzipSync(modelsZip([...trained.map(({ outcome }) => outcome), untrained], experiment))
  expect(Object.keys(files).filter((name) => name.endsWith('checkpoint.json'))).toEqual([
    'alibi/checkpoint.json',
    't5-bias/checkpoint.json',
  ])
  expect(strFromU8(files['text.txt']!)).toBe(TEXT)
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
  for (const { model, outcome } of trained) {
    const at = join(folder, outcome.strategy)
    const { config, metadata, hashed } = await readCheckpointInfo(at)
    expect(metadata).toEqual({ seed: 1, trainLength: 16, data: 'text.txt', tokenizer: { kind: 'bytes' } })
    expect(hashed).toBe(true)
    const { trainer } = await loadCheckpoint(
      at,
      builtInStrategies.make(outcome.strategy, { ...config, trainLength: 16 }),
    )
    expect(trainer.step).toBe(1)
    expect(trainer.options.seed).toBe(1)
    expect(await readArrays(trainer.model.parameters)).toEqual(await readArrays(model.parameters))
    trainer.dispose()
    trainer.model.dispose()
    model.dispose()
  }
})

it('gives the curves as numbers, every step of them, and as a picture', () => {
  const alibi = { ...newOutcome('alibi'), losses: [5.5, 4.25], perplexity: new Map([[16, 12.5]]) }
  const rotary = { ...newOutcome('rotary'), losses: [5.25] }
  expect(lossCsv([alibi, rotary])).toBe('strategy,step,loss\nalibi,1,5.5\nalibi,2,4.25\nrotary,1,5.25\n')
  expect(perplexityCsv([alibi, rotary], 16)).toBe(
    'strategy,train_length,evaluation_length,perplexity\nalibi,16,16,12.5\n',
  )
  const svg = svgOf(lossFigure([alibi, rotary], experiment))
  expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/)
  expect(svg).toContain('ALiBi')
  // Of the page alone.
  expect(svg).not.toContain('var(--')
})
