import type { RunLine } from '@alibi/results'
import { runConfigSchema } from '../config/schema.js'
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

/** e.g. `bytes of typescript` */
export function describeText({ config: { data, tokenizer } }: RunLine): string | undefined {
  if (typeof data !== 'string') return undefined
  return typeof tokenizer === 'string' ? `${tokenizer} of ${data}` : data
}

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
