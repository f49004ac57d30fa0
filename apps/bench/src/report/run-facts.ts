import type { RunLine } from '@alibi/results'
import { runConfigSchema } from '../config/schema.js'
import { taskNameOf, taskReferenceOf } from '../config/task-reference.js'
import { thousands } from '../terminal/format.js'

// Other programs may leave out of their first line what rows and curves are not made with.

/** e.g. `4 layers, model dimension 128, 4 heads`; undefined where results do not say it. */
export function describeSizes({ config, sweep }: RunLine): string | undefined {
  const sizes = (sweep?.sizes ?? [config]).flatMap(({ numLayers, modelDim, numHeads }) =>
    numLayers && modelDim && numHeads
      ? [`${numLayers} layers, model dimension ${thousands(modelDim)}, ${numHeads} heads`]
      : [],
  )
  return sizes.join(' or ') || undefined
}

/** e.g. `bytes of typescript`, `trials of addition and copy` */
export function describeText({ config: { data, tokenizer }, sweep }: RunLine): string | undefined {
  if (sweep?.tasks) return `trials of ${inList(sweep.tasks.map(({ name }) => name))}`
  if (typeof data !== 'string') return undefined
  const task = taskReferenceOf(data)
  if (task !== undefined) return `trials of ${taskNameOf(task)}`
  return typeof tokenizer === 'string' ? `${tokenizer} of ${data}` : data
}

const inList = (words: readonly string[]) =>
  words.length > 1 ? `${words.slice(0, -1).join(', ')} and ${words.at(-1)}` : words.join('')

/** Rows × tokens of a training step, e.g. `8 × 128` */
export function describeBatches({ config, sweep }: RunLine): string | undefined {
  const { trainLengths = [config.trainLength], tokensPerStep } = sweep ?? {}
  const batches = trainLengths.flatMap((length) => {
    const rows = tokensPerStep ? tokensPerStep / length : config.batchSize
    return typeof rows === 'number' ? [`${rows} × ${length}`] : []
  })
  return batches.join(' or ') || undefined
}

/** e.g. `: 256 for 80 %, 1,024 for 20 %`; empty for one length. */
export function describeSchedule({ config }: RunLine): string {
  const { data } = runConfigSchema.shape.lengthSchedule.safeParse(config.lengthSchedule)
  const stages = data?.map(({ length, share }) => `${thousands(length)} for ${Number((100 * share).toPrecision(3))} %`)
  return stages ? `: ${stages.join(', ')}` : ''
}

/** e.g. `commit 0123456789ab with changes` */
export const describeCommit = ({ commit }: RunLine): string | undefined =>
  commit ? `commit ${commit.slice(0, 12)}${commit.endsWith('-dirty') ? ' with changes' : ''}` : undefined
