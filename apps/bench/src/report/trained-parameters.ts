import { type ParameterValues, type ReferenceTensor, reference } from '@alibi/core'
import { hasCheckpoint, readParameters } from '@alibi/transformer/node'
import { checkpointFolder } from '../cell.js'
import type { RunConfig } from '../config.js'
import { isKnownStrategy, makeStrategy } from '../strategies.js'

/** A strategy's parameters after training, by its name; of the first layer where each has its own. */
export type TrainedParameters = ReadonlyMap<string, ParameterValues<ReferenceTensor>>

/** Of the first seed, of those known strategies that have parameters and a checkpoint in the folder. */
export async function trainedParameters(folder: string, config: RunConfig): Promise<TrainedParameters> {
  const found = new Map<string, ParameterValues<ReferenceTensor>>()
  for (const strategy of config.strategies.filter(isKnownStrategy)) {
    const { parameters, parameterScope } = makeStrategy(strategy, config)
    const checkpoint = checkpointFolder(folder, { strategy, seed: config.seeds[0]! })
    if (!parameters || !hasCheckpoint(checkpoint)) continue
    const arrays = await readParameters(checkpoint)
    const prefix = parameterScope === 'layer' ? 'layers.0.position.' : 'position.'
    const values = Object.keys(parameters).map((key) => {
      const { data, shape } = arrays.get(`${prefix}${key}`)!
      return [key, reference.tensor(data, shape)] as const
    })
    found.set(strategy, Object.fromEntries(values))
  }
  return found
}
