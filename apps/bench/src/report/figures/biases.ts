import { drawHeatMaps, type Figure } from '@alibi/charts'
import {
  initialParameters,
  type ParameterValues,
  type PositionStrategy,
  positionRange,
  type ReferenceTensor,
  reference,
  scoreBias,
} from '@alibi/core'
import type { RunLine } from '@alibi/results'
import type { StrategyModel, StrategyRegistry } from '@alibi/strategies'
import { savedModel } from '../../config/saved.js'
import { thousands } from '../../terminal/format.js'
import type { TrainedParameters } from '../trained-parameters.js'

/** The most cells that a side of the heat map has. */
const CELLS = 48

/**
 * What each known strategy with a bias adds to the scores, one square a head, up to twice the train length. A strategy by
 * layer has a figure for each of its layers that differ.
 */
export function biasFigures(run: RunLine, trained: TrainedParameters, registry: StrategyRegistry): Figure[] {
  const model = savedModel(run)
  if (!model) return []
  const { strategies, seeds } = run.config
  return strategies
    .filter((name) => registry.has(name, model))
    .flatMap((name) => {
      const strategy = registry.make(name, model)
      const parts = strategy.layers ?? [strategy]
      return parts.slice(0, run.config.numLayers).flatMap((part, layer) => {
        if (parts.indexOf(part) < layer) return []
        const names = { name, ...(strategy.layers && { layer: layer + 1 }) }
        return biasFigure(names, part, model, seeds[0]!, part.parameters && trained.get(name)?.[layer])
      })
    })
}

function biasFigure(
  { name, layer }: { readonly name: string; readonly layer?: number },
  { bias, parameters }: PositionStrategy,
  model: StrategyModel,
  seed: number,
  trained?: ParameterValues<ReferenceTensor>,
): Figure[] {
  // Before training a learned bias is noise: nothing to look at.
  if (!bias || (parameters && !trained)) return []
  const length = 2 * model.trainLength
  // Evenly spaced, so that equal distances are equal cells.
  const apart = Math.ceil(length / CELLS)
  const cells = Math.ceil(length / apart)
  const places = positionRange(0, cells).map((i) => i * apart)
  const values = scoreBias(reference, bias, trained ?? initialParameters(reference), places, places).data
  const maps = Array.from({ length: bias.numHeads }, (_, head) => ({
    name: `head ${head + 1}`,
    cells: Array.from({ length: cells }, (_, query) => {
      const row = values.subarray((head * cells + query) * cells, (head * cells + query) * cells + query + 1)
      const best = Math.max(...row)
      return Array.from(row, (value) => value - best)
    }),
  }))
  const [of, id] = layer ? [`${name}, layer ${layer}`, `${name}-layer-${layer}`] : [name, name]
  const furthest = maps.map(({ name: head, cells }) => `${head} ${describeReach(cells.at(-1)!, places)}`)
  return [
    {
      id: `bias-${id}`,
      title: `Attention bias of ${of}${trained ? `, as trained from seed ${seed}` : ''}`,
      caption: `What it adds to the scores of every query (down) and key (across), up to twice the train length of ${thousands(model.trainLength)}. Softmax sees differences alone, so each row is relative to its most favoured key: 1 nat below is a weight divided by 2.7.`,
      description: `Attention bias of ${of} a head, for the last query: ${furthest.join('; ')}.`,
      table: {
        head: ['distance', ...maps.map(({ name: head }) => head)],
        body: [...places].reverse().flatMap((place, i) => {
          if (i % 4) return []
          const distance = places.at(-1)! - place
          return [[thousands(distance), ...maps.map(({ cells: rows }) => rows.at(-1)![cells - 1 - i]!.toFixed(2))]]
        }),
      },
      aspect: 2,
      tags: { strategy: name },
      panels: [{ draw: (format) => drawHeatMaps({ maps, from: '0', to: thousands(places.at(-1)!) }, format) }],
    },
  ]
}

/** e.g. `falls 1 nat within 16 tokens` */
function describeReach(row: readonly number[], places: Int32Array): string {
  const last = places.at(-1)!
  const beyond = row.findLastIndex((value) => value < -1)
  return beyond < 0 ? 'stays within 1 nat everywhere' : `is 1 nat down ${thousands(last - places[beyond]!)} tokens back`
}
