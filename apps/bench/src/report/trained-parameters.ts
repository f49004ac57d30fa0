import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type ParameterValues, type PositionStrategy, type ReferenceTensor, reference } from '@alibi/core'
import { cellId, modelSize, type RunLine } from '@alibi/results'
import { builtInStrategies, type StrategyRegistry } from '@alibi/strategies'
import { positionParameterName } from '@alibi/transformer'
import { hasCheckpoint, readParameters } from '@alibi/transformer/node'
import { savedModel } from '../config/saved.js'
import { taskNameOf, taskReferenceOf } from '../config/task-reference.js'
import { checkpointFolder } from '../run-folder/layout.js'
import { CELLS } from '../sweep/folder.js'

/**
 * The parameters of strategies after training, by name: of each place in a pattern of layers, or of the first layer alone
 * for a strategy without a pattern.
 */
export type TrainedParameters = ReadonlyMap<string, readonly ParameterValues<ReferenceTensor>[]>

/**
 * The trained parameters of those known strategies that have some and a checkpoint: of the first seed and, in a sweep,
 * of its first task, train length and size.
 */
export async function trainedParameters(
  folder: string,
  run: RunLine,
  registry: StrategyRegistry = builtInStrategies,
): Promise<TrainedParameters> {
  const { config } = run
  const model = savedModel(run)
  const { numLayers, architecture, data } = config
  const task = typeof data === 'string' ? taskReferenceOf(data) : undefined
  const trainedOn = task === undefined ? undefined : taskNameOf(task)
  const found = new Map<string, ParameterValues<ReferenceTensor>[]>()
  if (!model || !numLayers) return found
  const size = modelSize({ ...model, numLayers }, architecture)
  for (const strategy of config.strategies.filter((name) => registry.has(name, model))) {
    const made = registry.make(strategy, model)
    const parts = (made.layers ?? [made]).slice(0, numLayers)
    if (!parts.some(({ parameters }) => parameters)) continue
    const cell = { strategy, seed: config.seeds[0]! }
    const trainedIn = run.sweep
      ? await cellIn(folder, `${cellId({ ...cell, trainedOn, trainLength: model.trainLength, size })}-`)
      : folder
    if (trainedIn === undefined) continue
    const checkpoint = checkpointFolder(trainedIn, cell)
    if (!hasCheckpoint(checkpoint)) continue
    const arrays = await readParameters(checkpoint)
    const valuesOf = ({ parameters = {} }: PositionStrategy, layer: number) =>
      Object.keys(parameters).map((key) => {
        const { data, shape } = arrays.get(positionParameterName(made, key, layer))!
        return [key, reference.tensor(data, shape)] as const
      })
    found.set(
      strategy,
      parts.map((part, layer) => Object.fromEntries(valuesOf(part, layer))),
    )
  }
  return found
}

/** The folder of a sweep's cell; none where changed plans have left several of that name. */
async function cellIn(folder: string, base: string): Promise<string | undefined> {
  const names = await readdir(join(folder, CELLS)).catch((): string[] => [])
  const [own, ...others] = names.filter((name) => name.startsWith(base))
  return own !== undefined && !others.length ? join(folder, CELLS, own) : undefined
}
