// What SECURITY.md says of results and checkpoints from elsewhere: nothing that they name runs unless a person named it here.
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { selectBackend } from '@alibi/backend'
import { none } from '@alibi/core'
import { SCHEMA_VERSION } from '@alibi/results'
import { writeResults } from '@alibi/results/node'
import { createModel, createTrainer } from '@alibi/transformer'
import { saveCheckpoint } from '@alibi/transformer/node'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { openCheckpoint } from '../src/checkpoints/open.js'
import { report } from '../src/commands/report.js'
import { resolveRunConfig } from '../src/config/resolve.js'
import { admitStrategies, loadStrategies } from '../src/plugins/admit.js'
import { planRun } from '../src/run-folder/begin.js'

let folder: string
let evil: string
let ran: string
const silent = () => {}
const model = { vocabularySize: 256, numLayers: 1, modelDim: 8, numHeads: 2 }
const strategyModel = { numHeads: 2, modelDim: 8, trainLength: 16 }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-trust-'))
  process.env.XDG_DATA_HOME = join(folder, 'data')
  await selectBackend('cpu')
})
afterAll(() => rm(folder, { recursive: true }))

let count = 0
beforeEach(async () => {
  // A module of its own for each test: Node keeps what it has loaded.
  count += 1
  ran = join(folder, `ran-${count}`)
  evil = join(folder, `evil-${count}.mjs`)
  await writeFile(evil, code())
})

const code = (more = '') =>
  `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(ran)}, '')\n${more}
export default () => Object.freeze({ specVersion: 1, name: 'evil-${count}' })`

/** A checkpoint that says it was trained with a strategy of a file. */
async function checkpoint(from: string): Promise<string> {
  const at = join(folder, `checkpoint-${count}`)
  const trainer = createTrainer(
    createModel(model, { ...none(), name: `evil-${count}` }),
    { kind: 'adamw', learningRate: 1e-3 },
    { seed: 1 },
  )
  const plugin = { from, fingerprint: 'f'.repeat(64) }
  await saveCheckpoint(at, trainer, {
    seed: 1,
    trainLength: 16,
    data: 'typescript',
    plugin,
    tokenizer: { kind: 'bytes' },
  })
  trainer.dispose()
  trainer.model.dispose()
  return at
}

/** Results of a run with such a strategy. */
async function results(from: string): Promise<string> {
  const at = join(folder, `results-${count}`)
  await mkdir(at)
  const config = {
    ...resolveRunConfig({ strategies: ['none'], numHeads: 2, modelDim: 8 }),
    strategies: [`evil-${count}`],
    plugins: { [`evil-${count}`]: { from, fingerprint: 'f'.repeat(64) } },
  }
  const run = { seed: 1, backend: 'cpu', device: 'x', versions: {}, commit: null }
  const cell = { strategy: `evil-${count}`, trainLength: 16, seed: 1, size: '1x8x2' }
  const trained = { ...cell, step: 1, lossNats: 5, tokensPerSecond: 1, elapsedSeconds: 1, peakResidentBytes: 1 }
  await writeResults(at, [
    { type: 'run', schemaVersion: SCHEMA_VERSION, config, ...run },
    { type: 'train', ...trained },
  ])
  return at
}

const ways: [string, () => string][] = [
  ['an absolute path', () => evil],
  ['an absolute path with an export', () => `${evil}#default`],
  ['a URL', () => pathToFileURL(evil).href],
  ['a relative path', () => `./../../../../../../../..${evil}`],
]

describe.each(ways)('a strategy by %s', (_way, from) => {
  it('does not run for a checkpoint from elsewhere', async () => {
    await expect(openCheckpoint(await checkpoint(from()), silent)).rejects.toThrow(/^strategy /)
    expect(existsSync(ran)).toBe(false)
  })

  it('does not run for a resumed run from elsewhere', async () => {
    const at = await results(from())
    await expect(planRun({ out: at, resume: true, backend: 'cpu', given: {}, log: silent })).rejects.toThrow(
      /^strategy /,
    )
    expect(existsSync(ran)).toBe(false)
  })

  it('does not run for a report', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(silent)
    vi.spyOn(console, 'log').mockImplementation(silent)
    await report(await results(from()))
    expect(existsSync(ran)).toBe(false)
    expect(errors.mock.calls.flat().join()).toContain('--plugins runs their code')
    vi.restoreAllMocks()
  })
})

describe('a strategy runs', () => {
  it('for a checkpoint, when it is named', async () => {
    await expect(openCheckpoint(await checkpoint(evil), silent, { strategy: evil })).rejects.toThrow(
      'to compute what it did',
    )
    expect(existsSync(ran)).toBe(true)
  })

  it('for a report, when that is asked for', async () => {
    vi.spyOn(console, 'error').mockImplementation(silent)
    vi.spyOn(console, 'log').mockImplementation(silent)
    await report(await results(evil), { plugins: true })
    expect(existsSync(ran)).toBe(true)
    vi.restoreAllMocks()
  })

  it('when it was named on this machine, until it changes', async () => {
    await admitStrategies(await loadStrategies([evil]), strategyModel, silent)
    const at = await checkpoint(evil)
    await expect(openCheckpoint(at, silent)).rejects.toThrow('to compute what it did')
    await writeFile(evil, code('// changed'))
    await expect(openCheckpoint(at, silent)).rejects.toThrow('which has changed since; nothing of it was run')
  })
})

it('a checkpoint of a built-in strategy takes no other', async () => {
  const at = join(folder, 'built-in')
  const trainer = createTrainer(createModel(model, none()), { kind: 'adamw', learningRate: 1e-3 }, { seed: 1 })
  await saveCheckpoint(at, trainer, { seed: 1, trainLength: 16, data: 'typescript', tokenizer: { kind: 'bytes' } })
  await expect(openCheckpoint(at, silent, { strategy: 'rotary' })).rejects.toThrow(
    'got rotary; it is of none, which is built in',
  )
  await expect(openCheckpoint(at, silent, { strategy: evil })).rejects.toThrow('it is of none, which is built in')
  expect(existsSync(ran)).toBe(false)
  expect((await openCheckpoint(at, silent, { strategy: 'none' })).strategy).toBe('none')
})
