import * as tf from '@tensorflow/tfjs'
import { customGrad } from '../../custom-grad.js'
import type { AttentionBias, Tile } from '../bias.js'
import type { AttentionInputs, AttentionKernel } from '../kernel.js'
import type { AttentionProblem } from '../problem.js'
import { attentionGradients } from './gradients.js'
import { attendTile, causalTiles, join } from './tile.js'

/**
 * A block of queries against the keys up to it at a time: no work above the diagonal and memory linear in K. The backward
 * pass keeps only q, k, v and the output and computes each block's weights again (FlashAttention's idea; Dao et al., 2022).
 */
export const tiled: AttentionKernel = {
  name: 'tiled',
  takes: [
    ...(['linear bias', 'table bias', 'tile bias', 'trained bias', 'position gaps', 'padding', 'dropout'] as const),
    ...(['gate', 'documents'] as const),
  ],
  refuses: () => undefined,
  run: attendTiled,
}

function attendTiled(problem: AttentionProblem, inputs: AttentionInputs): tf.Tensor4D {
  const { numQueries, numKeys, queriesPerTile, documentStarts } = problem
  const tiles = causalTiles(numQueries, numKeys, queriesPerTile, documentStarts)
  const trained = problem.asks.includes('trained bias') ? trainedTensors(inputs.bias, tiles) : {}
  const { q, k, v, gate } = inputs
  const attend = (given: Tensors) => {
    const tensors = { ...constantsOf(inputs), ...given }
    const own = withTensors(inputs, tensors)
    const outputs = tiles.map((tile) =>
      tf.tidy(() => {
        const { weights, values } = attendTile(own, tile)
        return tf.matMul(weights, values)
      }),
    )
    const output = join(outputs) as tf.Tensor4D
    return { value: output, saved: { ...tensors, output } }
  }
  return customGrad({ ...trained, ...(gate && { gate }), q, k, v }, attend, (dy, { output, ...saved }) =>
    attentionGradients(dy, output, withTensors(inputs, saved), tiles, Object.keys(trained)),
  )
}

/** Tensors of a bias, of padding and of dropout, by name. */
type Constants = Partial<
  Record<'slopes' | 'queries' | 'keys' | 'seed', tf.Tensor1D> &
    Record<'table' | 'padding', tf.Tensor> & { gate: tf.Tensor3D; documents: tf.Tensor4D }
>

/** The tensors through which a bias is trained: its slopes or table, or each of its tiles by its index. */
function trainedTensors(bias: AttentionBias, tiles: readonly Tile[]): Record<string, tf.Tensor> {
  if (bias.kind === 'linear') return { slopes: bias.slopes }
  if (bias.kind === 'table') return { table: bias.table }
  return bias.kind === 'tiles' ? Object.fromEntries(tiles.map((tile) => [tile.index, bias.tiles(tile)])) : {}
}

/** What the backward pass needs besides queries, keys and values. */
function constantsOf({ bias, padding, dropout, documents }: AttentionInputs): Constants {
  const others = { padding, seed: dropout?.seed, documents } as Constants
  if (bias.kind === 'linear')
    return { ...others, slopes: bias.slopes as tf.Tensor1D, queries: bias.queries, keys: bias.keys }
  return bias.kind === 'table' ? { ...others, table: bias.table } : others
}

type Tensors = Constants & Record<'q' | 'k' | 'v', tf.Tensor4D>

/** The inputs with other tensors of the same names in their place. */
function withTensors(inputs: AttentionInputs, tensors: Tensors): AttentionInputs {
  const { q, k, v, padding, seed, gate, documents } = tensors
  const { dropout } = inputs
  const bias = biasWith(inputs.bias, tensors)
  return { ...inputs, q, k, v, padding, gate, documents, bias, dropout: dropout && { ...dropout, seed: seed! } }
}

function biasWith(bias: AttentionBias, tensors: Constants): AttentionBias {
  const { slopes, queries, keys, table } = tensors
  if (bias.kind === 'linear') return { ...bias, slopes: slopes!, queries: queries!, keys: keys! }
  if (bias.kind === 'table') return { ...bias, table: table! }
  const tiles = tensors as Readonly<Record<number, tf.Tensor>>
  return bias.kind === 'tiles' && tiles[0] ? { ...bias, tiles: ({ index }) => tiles[index]! } : bias
}
