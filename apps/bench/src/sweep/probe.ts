import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BackendName } from '@alibi/backend'
import { readResults } from '@alibi/results/node'
import { cellsOf } from '../config/cells.js'
import type { RunConfig } from '../config/schema.js'
import { readCorpus } from '../data/corpus.js'
import { estimateRun } from '../experiment/estimate.js'
import { trainCell } from '../experiment/train.js'
import { disposeTrainer } from '../experiment/trainer.js'
import { asGiven } from '../plugins/references.js'
import { openResults } from '../run-folder/append.js'
import { beginRun, planRun } from '../run-folder/begin.js'
import type { Probe } from './estimate.js'

/** Time enough for an estimate: kinds of cells that are larger than what was timed in it are estimated. */
const PROBE_SECONDS = 1
/** Fewer than a run takes, which has more to say of itself. */
const TIMED_STEPS = [1, 5] as const

interface ProbeOptions {
  readonly backend: BackendName
  readonly line: (text: string) => void
  readonly signal: AbortSignal
}

/** Times a few training steps of each kind of cell, in a process that has begun as one that trains does. */
export async function timeKinds(kinds: readonly RunConfig[], options: ProbeOptions): Promise<Probe> {
  const operations = kinds.map((kind) => estimateRun({ ...kind, evalLengths: [] }).operations / kind.steps)
  const smallestFirst = kinds.map((_, i) => i).sort((a, b) => operations[a]! - operations[b]!)
  const steps: number[] = []
  let [start, timed, factor] = [0, 0, 0]
  const began = performance.now()
  for (const i of smallestFirst) {
    if (!timed || performance.now() - began < 1000 * PROBE_SECONDS) {
      const seconds = await timeSteps(kinds[i]!, options)
      start ||= Math.max(0, process.uptime() - seconds * TIMED_STEPS[1])
      factor = seconds / operations[i]!
      timed += 1
    }
    steps[i] = factor * operations[i]!
  }
  return { steps, timed, start }
}

/** Seconds a training step of a cell. */
async function timeSteps(cell: RunConfig, { backend, line, signal }: ProbeOptions): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'alibi-probe-'))
  let seconds: number | undefined
  try {
    const plan = await planRun({ out: folder, backend, given: asGiven(cell), log: line })
    const { config, registry } = plan
    const corpus = await readCorpus(config, { log: line, signal })
    await beginRun(plan, corpus)
    const trainer = await trainCell(cellsOf(config)[0]!, {
      ...{ config, registry, corpus, folder },
      // Fusing a step takes longer than all the steps that are timed; it gains 15 to 25 % in small models.
      fused: false,
      timedSteps: TIMED_STEPS,
      append: await openResults(folder, config, { log: line }),
      progress: { line, start() {}, update() {}, stop() {} },
      signal,
      onStepSeconds(measured) {
        seconds = measured
        throw new Error('timed')
      },
    })
    disposeTrainer(trainer)
    // Too short to leave the first, slow steps out.
    const { elapsedSeconds, step } = (await readResults(folder)).train.at(-1)!
    return seconds ?? elapsedSeconds! / step
  } catch (error) {
    if (seconds === undefined || signal.aborted) throw error
    return seconds
  } finally {
    await rm(folder, { recursive: true })
  }
}
