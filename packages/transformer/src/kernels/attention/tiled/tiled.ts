// Letters: B batch, H heads, Q/K queries/keys.
import * as tf from '@tensorflow/tfjs'
import { customGrad } from '../../custom-grad.js'
import type { AttentionBias, Tile } from '../bias.js'
import type { AttentionInputs, AttentionKernel } from '../kernel.js'
import type { AttentionProblem } from '../problem.js'
import { penalties, sumDiagonals } from './bias-tile.js'
import { attendTile, causalTiles, join } from './tile.js'

/**
 * A block of queries against the keys up to it at a time: no work above the diagonal and memory linear in K. The backward
 * pass keeps only q, k, v and the output and computes each block's weights again (FlashAttention's idea; Dao et al., 2022).
 */
export const tiled: AttentionKernel = {
  name: 'tiled',
  takes: ['linear bias', 'table bias', 'tile bias', 'trained bias', 'position gaps', 'padding', 'dropout'],
  refuses: () => undefined,
  run: attendTiled,
}

function attendTiled(problem: AttentionProblem, inputs: AttentionInputs): tf.Tensor4D {
  const tiles = causalTiles(problem.numQueries, problem.numKeys, problem.queriesPerTile)
  const trainBias = problem.asks.includes('trained bias')
  const trained = trainBias ? biasTensors(inputs.bias, tiles) : []
  const constants = constantsOf(inputs, trainBias)
  const forward = customGrad((args, save) => {
    const [q, k, v, ...bias] = args
    const outputs = tiles.map((tile) =>
      tf.tidy(() => {
        const { weights, values } = attendTile(q!, k!, v!, bias, tile, inputs)
        return tf.matMul(weights, values)
      }),
    )
    const value = join(outputs)
    save([value, ...args, ...constants.tensors])
    const gradient = (dy: tf.Tensor, [output, ...saved]: readonly tf.Tensor[]) =>
      attentionGradients(dy, output!, saved.slice(0, args.length), tiles, constants.replace(saved.slice(args.length)))
    return { value, gradient }
  })
  return forward(inputs.q, inputs.k, inputs.v, ...trained) as tf.Tensor4D
}

/** The tensors through which a bias is trained. */
function biasTensors(bias: AttentionBias, tiles: readonly Tile[]): tf.Tensor[] {
  if (bias.kind === 'none') return []
  if (bias.kind === 'linear') return [bias.slopes]
  return bias.kind === 'table' ? [bias.table] : tiles.map(bias.tiles)
}

/** The tensors in the options that are not inputs of the gradient, and the options with others in their place. */
function constantsOf(options: AttentionInputs, trainBias: boolean) {
  const { bias, padding, dropout } = options
  const ofBias: Record<string, tf.Tensor> = {}
  if (bias.kind === 'linear') Object.assign(ofBias, { queries: bias.queries, keys: bias.keys })
  if (bias.kind === 'linear' && !trainBias) ofBias.slopes = bias.slopes
  if (bias.kind === 'table' && !trainBias) ofBias.table = bias.table
  const names = Object.keys(ofBias)
  return {
    tensors: [...Object.values(ofBias), ...(padding ? [padding] : []), ...(dropout ? [dropout.seed] : [])],
    replace(tensors: readonly tf.Tensor[]): AttentionInputs {
      const left = [...tensors]
      const own = Object.fromEntries(names.map((name) => [name, left.shift()]))
      return {
        ...options,
        bias: { ...bias, ...own } as AttentionBias,
        padding: padding && left.shift(),
        dropout: dropout && { ...dropout, seed: left.shift() as tf.Tensor1D },
      }
    },
  }
}

function attentionGradients(
  dy: tf.Tensor,
  output: tf.Tensor,
  saved: tf.Tensor[],
  tiles: readonly Tile[],
  options: AttentionInputs,
) {
  const [q, k, v, ...trained] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, ...tf.Tensor[]]
  const [B, H, , headDim] = q.shape as [number, number, number, number]
  const K = k.shape[2]!
  // Σ probability · dProbability of each row, without the keys (FlashAttention, algorithm 4, D).
  const along = tf.sum(tf.mul(dy, output), 3, true)
  const dk = sumOfPrefixes(B, H, headDim)
  const dv = sumOfPrefixes(B, H, headDim)
  const dq: tf.Tensor[] = []
  const dBias: tf.Tensor[] = []
  // From the last, which has all keys, to the first.
  for (const tile of [...tiles].reverse()) {
    const part = tf.tidy(() => {
      const { queries, keys, values, probabilities, kept, weights } = attendTile(q, k, v, trained, tile, options)
      const rows = tile.end - tile.start
      const d = tf.slice(dy, [0, 0, tile.start, 0], [B, H, rows, headDim])
      const dWeights = tf.matMul(d, values, false, true)
      const dProbabilities = kept ? tf.mul(dWeights, kept) : dWeights
      const dScores = tf.mul(
        probabilities,
        tf.sub(dProbabilities, tf.slice(along, [0, 0, tile.start, 0], [B, H, rows, 1])),
      )
      return {
        dq: tf.mul(tf.matMul(dScores, keys), 1 / Math.sqrt(headDim)),
        dk: tf.matMul(dScores, queries, true, false),
        dv: tf.matMul(weights, d, true, false),
        dBias: trained.length ? biasGradient(options.bias, tf.sum(dScores, 0), tile, K) : undefined,
      }
    })
    dq.unshift(part.dq)
    dk.add(part.dk)
    dv.add(part.dv)
    if (part.dBias) dBias.unshift(part.dBias)
  }
  const summed = trained.length && options.bias.kind !== 'tiles' ? [tf.addN(dBias)] : dBias
  return [join(dq), dk.finish(), dv.finish(), ...summed]
}

/** Adds [B, H, n, headDim] with n that only shrinks, each to the first n rows; memory and work of one such sum. */
function sumOfPrefixes(B: number, H: number, headDim: number) {
  const finished: tf.Tensor[] = []
  let sum: tf.Tensor | undefined
  return {
    add(x: tf.Tensor) {
      const n = x.shape[2]!
      if (!sum) sum = x
      else {
        const rows = sum.shape[2]!
        if (rows > n) finished.unshift(tf.slice(sum, [0, 0, n, 0], [B, H, rows - n, headDim]))
        const before = sum
        sum = tf.tidy(() => tf.add(tf.slice(before, [0, 0, 0, 0], [B, H, n, headDim]), x))
        tf.dispose([before, x])
      }
    },
    finish: () => join([sum!, ...finished]),
  }
}

/** @param dScores - [H, queries, keys], summed over the batch */
function biasGradient(bias: AttentionBias, dScores: tf.Tensor, tile: Tile, K: number): tf.Tensor {
  if (bias.kind === 'linear') return tf.sum(tf.mul(dScores, penalties(bias.queries, bias.keys, tile)), [1, 2])
  return bias.kind === 'table' ? sumDiagonals(dScores as tf.Tensor3D, tile, K) : dScores
}
