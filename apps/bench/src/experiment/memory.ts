import { totalmem } from 'node:os'
import type { Backend } from '@alibi/backend'
import type { RunConfig } from '../config/schema.js'
import { gigabytes } from '../terminal/format.js'
import { estimateRun } from './estimate.js'

/** What a device may have that does not say how much: more than any has. */
const MOST_OF_A_DEVICE = 2 ** 40

/** Bytes that a run may take here: the machine's, or what a container leaves of them. */
export function availableMemory({ isGpu }: Pick<Backend, 'isGpu'> = { isGpu: false }): number {
  const constrained = process.constrainedMemory?.() ?? 0
  const host = constrained > 0 ? Math.min(totalmem(), constrained) : totalmem()
  return isGpu ? Math.max(host, MOST_OF_A_DEVICE) : host
}

/** Bytes that a run holds at once. */
export function memoryOf(config: RunConfig): number {
  const { stepBytes, evaluationBytes } = estimateRun(config)
  return Math.max(stepBytes, evaluationBytes)
}

/** At once in this many processes. */
const bytesOf = (config: RunConfig, processes: number) => processes * memoryOf(config)

/**
 * Refuses what cannot be in memory, before anything is made.
 *
 * @param memory - bytes that there are
 * @param processes - that do the same at once
 * @throws RangeError, one line with sizes that would fit
 */
export function checkMemory(where: string, config: RunConfig, memory: number, processes = 1): void {
  const bytes = bytesOf(config, processes)
  if (bytes <= memory) return
  const got = `${gigabytes(bytes)} GB, which ${processes > 1 ? `${processes} processes` : 'a step of training or evaluation'} would take`
  const alone = processes > 1 && Math.floor(memory / bytesOf(config, 1))
  const fits = alone ? `--jobs ${alone}` : describe(whatFits(config, memory))
  throw new RangeError(
    `${where}: expected at most the ${gigabytes(memory)} GB of memory here, got about ${got}; ${fits} would fit`,
  )
}

type Change = (config: RunConfig) => Partial<RunConfig> | undefined

const half = (value: number) => Math.floor(value / 2)
const halved =
  (key: 'batchSize' | 'trainLength' | 'numLayers'): Change =>
  (config) =>
    config[key] > 1 && !(key === 'trainLength' && config.lengthSchedule)
      ? {
          [key]: half(config[key]),
          ...(key === 'batchSize' && { microBatches: 1, ...(config.batches === 'blocks' && { devices: 1 }) }),
        }
      : undefined

/** Each makes a run smaller, as often as it can; the first ones change least of what is measured. */
const changes: readonly Change[] = [
  ({ batchSize, microBatches }) => {
    const parts = [2, 3, 5, 7].map((factor) => factor * microBatches).find((parts) => batchSize % parts === 0)
    return parts === undefined ? undefined : { microBatches: parts }
  },
  ({ evalLengths }) => {
    const longest = Math.max(...evalLengths)
    return longest > 1
      ? { evalLengths: [...new Set(evalLengths.map((each) => Math.min(each, half(longest))))] }
      : undefined
  },
  halved('batchSize'),
  halved('trainLength'),
  halved('numLayers'),
  ({ modelDim, numHeads }) => {
    const headDim = modelDim / numHeads
    if (headDim > 1) return { modelDim: numHeads * half(headDim) }
    return numHeads > 1 ? { modelDim: half(numHeads), numHeads: half(numHeads) } : undefined
  },
]

/** Those that leave a model's sizes as they are. */
const OF_TRAINING = 4

/** Settings with which a run fits: one that does alone, or else all of them made smaller together. */
export function whatFits(config: RunConfig, memory: number): Partial<RunConfig> {
  const fits = (changed: Partial<RunConfig>) => bytesOf({ ...config, ...changed }, 1) <= memory
  const possible = config.from ? changes.slice(0, OF_TRAINING) : changes
  for (const change of possible) {
    let changed: Partial<RunConfig> | undefined = {}
    while (changed && !fits(changed)) {
      const next = change({ ...config, ...changed })
      changed = next && { ...changed, ...next }
    }
    if (changed) return changed
  }
  let all: Partial<RunConfig> = {}
  for (let rounds = 0; rounds < 64 && !fits(all); rounds++)
    for (const change of possible.slice(1)) all = { ...all, ...change({ ...config, ...all }) }
  return all
}

const OPTIONS: Readonly<Record<string, string>> = {
  microBatches: '--micro-batches',
  batchSize: '--batch-size',
  devices: '--devices',
  evalLengths: '--eval-lengths',
  trainLength: '--train-length',
  numLayers: '--num-layers',
  modelDim: '--model-dim',
  numHeads: '--num-heads',
}

const describe = (changes: Partial<RunConfig>) =>
  Object.entries(changes)
    .filter(([key, value]) => !(key === 'microBatches' && value === 1))
    .map(([key, value]) => `${OPTIONS[key]} ${Array.isArray(value) ? value.join(',') : value}`)
    .join(' ')
