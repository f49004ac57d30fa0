// Letters: B batch, H heads, Q/K queries/keys, D headDim; a tile is blockSize queries.
import * as tf from '@tensorflow/tfjs'

/** exp of anything below −103.97 is 0 in fp32 (half of the least subnormal number is 2⁻¹⁵⁰). */
const ZERO_FROM = 104

/** With scores within ±40, exp and sums of thousands of them stay within fp32: no row needs its maximum taken off. */
const LARGEST_SCORE = 40

/** Which keys each tile of queries needs, by head: those from `first` to the tile's own, and its own. */
export interface KeyRange {
  /** Index of the tile's first query among the keys. */
  readonly start: number
  readonly end: number
  /** Of each head: the first key that may have any weight. */
  readonly first: readonly number[]
  /** Of each head: no |q·k|/√D of the tile is above it. */
  readonly bounds: readonly number[]
}

/** Of each tile and head: what bounds its scores from above and from below. */
interface TileScores {
  /** Largest ‖q‖. */
  readonly queryNorms: readonly number[]
  /** Least score of a query with its own key, q·k/√D. */
  readonly ownScores: readonly number[]
}

/**
 * With |q·k|/√D ≤ U, a key at distance d scores at most U − slope·d, and the row's largest score is at least S, that of the
 * query's own key: beyond slope·d > 104 + U − S a key's weight is exactly 0 in fp32, whatever the other keys are. So
 * leaving it out changes nothing.
 *
 * All keys beyond a distance R together have at most e^(U − S − slope·R) / (e^slope − 1) times the weight of the own key: a
 * `tolerance` for that share of a row's mass lets R be smaller.
 *
 * @param keyNorms - largest ‖k‖ of each head
 */
export function keyRanges(
  slopes: ArrayLike<number>,
  tiles: readonly TileScores[],
  keyNorms: readonly number[],
  {
    headDim,
    numKeys,
    numQueries,
    blockSize,
    tolerance,
  }: Record<'headDim' | 'numKeys' | 'numQueries' | 'blockSize' | 'tolerance', number>,
): KeyRange[] {
  const zeroFrom = Array.from(slopes, (slope) => Math.min(ZERO_FROM, -Math.log(tolerance * Math.expm1(slope))))
  return tiles.map(({ queryNorms, ownScores }, tile) => {
    const start = numKeys - numQueries + tile * blockSize
    // Norms and products are fp32 sums themselves: the bounds must stay beyond their rounding.
    const bounds = queryNorms.map((norm, head) => (1.0001 * norm * keyNorms[head]!) / Math.sqrt(headDim))
    const reach = bounds.map((bound, head) => {
      const own = Math.max(-bound, ownScores[head]! - 1e-4 * bound)
      return (zeroFrom[head]! + bound - own) / slopes[head]!
    })
    return {
      start,
      end: Math.min(start + blockSize, numKeys),
      first: reach.map((distance) => Math.max(0, start - Math.min(start, Math.max(0, Math.floor(distance))))),
      bounds,
    }
  })
}

/**
 * Causal attention with the bias −slope·distance, forward only, that never computes keys of weight zero.
 *
 * Scores that are bounded need no maximum taken off; and as exp(s − slope·d) is exp(s)·exp(−slope·d), the bias of the keys
 * before a tile scales the rows of v instead of touching the scores. What is left of each score is one product, one
 * exponential and one product.
 *
 * @param q - shape [B, H, Q, D]; the last Q of the K tokens, at consecutive positions
 * @param k - shape [B, H, K, D]
 * @param v - shape [B, H, K, D]
 * @returns shape [B, H, Q, D], and how many scores were computed; undefined where scores may be too large for that
 */
export function skippingAttention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  slopes: ArrayLike<number>,
  { blockSize, tolerance = 0 }: { readonly blockSize: number; readonly tolerance?: number },
): { readonly output: tf.Tensor4D; readonly scores: number } | undefined {
  const [B, H, numQueries, headDim] = q.shape
  const numKeys = k.shape[2]
  const { tiles, keyNorms } = scoreBounds(q, k, blockSize)
  const ranges = keyRanges(slopes, tiles, keyNorms, { headDim, numKeys, numQueries, blockSize, tolerance })
  if (ranges.some(({ bounds }) => bounds.some((bound) => !(bound <= LARGEST_SCORE)))) return undefined

  let scores = 0
  const output = tf.tidy(() => {
    // Steep heads reach least: in their order, heads that need the same keys are neighbours and go together.
    const order = Array.from({ length: H }, (_, head) => head).sort((a, b) => slopes[b]! - slopes[a]!)
    const inOrder = (x: tf.Tensor, heads: number[]) => tf.gather(x, tf.tensor1d(heads, 'int32'), 1)
    const queries = inOrder(tf.mul(q, 1 / Math.sqrt(headDim)), order)
    const keys = inOrder(k, order)
    // A column of ones: with it a product also sums the weights.
    const values = inOrder(tf.concat([v, tf.ones([B, H, numKeys, 1])], 3), order)
    const steepness = tf.tensor(
      order.map((head) => slopes[head]!),
      [1, H, 1, 1],
    )
    const ownBias = diagonal(blockSize, steepness)
    const decay = tf.exp(tf.mul(steepness, tf.range(-numKeys, 0).reshape([1, 1, numKeys, 1])))

    const tiles = ranges.map(({ start, end, first }) =>
      tf.tidy(() => {
        const size = end - start
        const groups = neighbours(order.map((head) => Math.floor(first[head]! / blockSize) * blockSize))
        const parts = groups.map(({ from, head, count }) => {
          scores += B * count * size * (end - from)
          const cut = (x: tf.Tensor, low: number, high: number) =>
            tf.slice(x, [0, head, low, 0], [x.shape[0]!, count, high - low, x.shape[3]!])
          const rows = cut(queries, start - (numKeys - numQueries), end - (numKeys - numQueries))
          const against = (low: number, high: number) => tf.matMul(rows, cut(keys, low, high), false, true)
          const slope = tf.slice(steepness, [0, head, 0, 0], [1, count, 1, 1])
          const bias = tf.slice(ownBias, [0, head, 0, 0], [1, count, size, size])
          const own = tf.matMul(tf.exp(tf.add(against(start, end), bias)), cut(values, start, end))
          if (from === start) return own
          const weighted = tf.mul(cut(values, from, start), cut(decay, numKeys - (start - from), numKeys))
          const past = tf.matMul(tf.exp(against(from, start)), weighted)
          return tf.add(own, tf.mul(past, tf.exp(tf.mul(slope, tf.range(0, -size, -1).reshape([1, 1, size, 1])))))
        })
        const sum = parts.length === 1 ? parts[0]! : tf.concat(parts, 1)
        return tf.div(
          tf.slice(sum, [0, 0, 0, 0], [B, H, size, headDim]),
          tf.slice(sum, [0, 0, 0, headDim], [B, H, size, 1]),
        )
      }),
    )
    const joined = tiles.length === 1 ? tiles[0]! : tf.concat(tiles, 2)
    return inOrder(
      joined,
      order.map((_, head) => order.indexOf(head)),
    ) as tf.Tensor4D
  })
  return { output, scores }
}

/** Runs of heads whose keys begin at the same place. */
function neighbours(starts: readonly number[]) {
  const groups: { from: number; head: number; count: number }[] = []
  starts.forEach((from, head) => {
    const last = groups.at(-1)
    if (last?.from === from) last.count++
    else groups.push({ from, head, count: 1 })
  })
  return groups
}

/** Bias and causal mask within a tile; [1, heads, size, size]. */
function diagonal(size: number, slope: tf.Tensor): tf.Tensor {
  const distance = tf.sub(tf.reshape(tf.range(0, size), [size, 1]), tf.reshape(tf.range(0, size), [1, size]))
  return tf.sub(tf.mul(tf.neg(slope), distance), tf.mul(tf.relu(tf.neg(distance)), 1e9))
}

/** The numbers behind {@link keyRanges}, read from the device. */
function scoreBounds(q: tf.Tensor4D, k: tf.Tensor4D, blockSize: number) {
  const [B, H, numQueries, headDim] = q.shape
  const numKeys = k.shape[2]
  const [queries, keys, own] = tf.tidy(() => {
    const largestNorms = (x: tf.Tensor) => tf.max(tf.sqrt(tf.sum(tf.square(x), 3)), 0).dataSync()
    const ownKeys = tf.slice(k, [0, 0, numKeys - numQueries, 0], [B, H, numQueries, headDim])
    const products = tf.min(tf.sum(tf.mul(q, ownKeys), 3), 0)
    return [largestNorms(q), largestNorms(k), tf.div(products, Math.sqrt(headDim)).dataSync()]
  })
  const extreme = (values: ArrayLike<number>, length: number, from: number, sign: 1 | -1) =>
    Array.from({ length: H }, (_, head) => {
      let most = -Infinity
      for (let i = from; i < Math.min(from + blockSize, length); i++)
        most = Math.max(most, sign * values[head * length + i]!)
      return sign * most
    })
  const tiles = Array.from({ length: Math.ceil(numQueries / blockSize) }, (_, tile) => ({
    queryNorms: extreme(queries, numQueries, tile * blockSize, 1),
    ownScores: extreme(own, numQueries, tile * blockSize, -1),
  }))
  const byBlock = Array.from({ length: Math.ceil(numKeys / blockSize) }, (_, block) =>
    extreme(keys, numKeys, block * blockSize, 1),
  )
  return { tiles, keyNorms: Array.from({ length: H }, (_, head) => Math.max(...byBlock.map((norms) => norms[head]!))) }
}
