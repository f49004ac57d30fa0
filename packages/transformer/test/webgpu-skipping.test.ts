// The fused kernels leave out what has no weight, and nothing else.
import * as tf from '@tensorflow/tfjs'
import { describe, expect, it } from 'vitest'
import { fusedAttention, named, unavailable } from './fused-cases.js'
import { type Case, long, prepare, results, tensor } from './kernel-cases.js'
import { seed } from './seed.js'

/** Of the kernels at these sizes. */
const T = 64

/** Those where tiles are left out. */
const cases: Record<string, Case> = {
  ...long,
  'a window of any keys': { dims: [1, 2, 200, 500, 8], kind: 'none', window: 70 },
}

/**
 * What skipping must do with the pairs of a tile of keys and each tile of queries: visit it where any weight is not 0 in
 * fp32; leave it out where the rule says so, in float64 and with something to spare.
 */
function rulesByTile(
  [B, H, Q, K, D]: Case['dims'],
  q: Float64Array,
  k: Float64Array,
  biasOf: (h: number, i: number, j: number, b: number) => number,
) {
  const past = K - Q
  const range = (from: number, to: number) => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i)
  const dot = (bh: number, i: number, j: number) =>
    range(0, D).reduce((sum, d) => sum + q[(bh * Q + i) * D + d]! * k[(bh * K + j) * D + d]!, 0) / Math.sqrt(D)
  const norms = (x: Float64Array) =>
    range(0, x.length / D).map((row) => Math.hypot(...x.subarray(row * D, (row + 1) * D)))
  const [queryNorms, keyNorms] = [norms(q), norms(k)]
  const heads = range(0, B * H).map((bh) =>
    range(0, Q).map((i) => {
      const biases = range(0, past + i + 1).map((j) => biasOf(bh % H, past + i, j, Math.floor(bh / H)))
      const scores = biases.map((bias, j) => dot(bh, i, j) + bias)
      return { biases, scores, top: Math.max(...scores) }
    }),
  )
  return (bh: number, keyTile: number) =>
    range(0, Math.ceil(Q / T)).map((queryTile) => {
      const [from, to, firstKey] = [T * queryTile, Math.min(Q, T * queryTile + T), T * keyTile]
      const rows = heads[bh]!.slice(from, to)
      const seen = (each: (typeof rows)[number]) =>
        range(firstKey, Math.min(firstKey + T, each.biases.length)).filter((j) => each.biases[j]! > -Infinity)
      const keys = [...new Set(rows.flatMap(seen))]
      const upper =
        (Math.max(...queryNorms.slice(bh * Q + from, bh * Q + to)) *
          Math.max(...keys.map((j) => keyNorms[bh * K + j]!))) /
        Math.sqrt(D)
      // The table is looked at in tiles of distances: those of the pair of tiles and some around them.
      const farther = Math.max(
        ...rows.flatMap(({ biases }) => biases.slice(Math.max(0, firstKey - T), firstKey + 2 * T)),
      )
      const own = Math.min(...rows.map(({ scores }) => scores.at(-1)!))
      const before = firstKey + T <= past + from
      return {
        from,
        to,
        mustVisit: rows.some((each) => seen(each).some((j) => each.scores[j]! - each.top > -103)),
        mustSkip: keys.length === 0 || (before && 1.001 * upper + farther < own - 104.1),
      }
    })
}

describe.skipIf(unavailable)(named('fused attention'), () => {
  it.each(Object.entries(cases))(`skips what has no weight, and that alone: %s (seed ${seed})`, async (_name, each) => {
    const [B, H, Q, K, D] = each.dims
    const { inputs, weight, options, biasOf, q, k } = prepare(each)
    const [queries, keys, values, ...others] = inputs as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D, ...tf.Tensor[]]
    const fixed = { ...options(...others), trainBias: false }
    const compute = (...[q, k, v]: tf.Tensor[]) =>
      fusedAttention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, fixed)
    // NaN among the values of a tile shows in whatever visits it, as 0·NaN is NaN. Tile t has it in feature t alone, so that one
    // pass shows who visits which tile.
    const marks = Float32Array.from({ length: K * D }, (_, i) => (Math.floor(i / D / T) === i % D ? Number.NaN : 0))
    expect(Math.ceil(K / T)).toBe(D)
    const output = compute(queries, keys, tf.add(values, tf.tensor(marks, [1, 1, K, D])))
    const out = (await output.data()) as Float32Array
    const visits = (bh: number, { from, to }: { from: number; to: number }, tile: number) =>
      out.slice((bh * Q + from) * D, (bh * Q + to) * D).some((x, i) => i % D === tile && Number.isNaN(x))
    const expected = rulesByTile(each.dims, q, k, biasOf)
    let skipped = 0
    for (let tile = 0; tile < D; tile++)
      for (let bh = 0; bh < B * H; bh++)
        for (const [i, rule] of expected(bh, tile).entries()) {
          const where = `row ${Math.floor(bh / H)}, head ${bh % H}, tiles ${i}, ${tile}`
          if (rule.mustVisit) expect(visits(bh, rule, tile), where).toBe(true)
          if (rule.mustSkip) expect(visits(bh, rule, tile), where).toBe(false)
          skipped += Number(rule.mustSkip)
        }
    expect(skipped).toBeGreaterThan(0)

    // The backward pass visits the same tiles: of the first, one in the middle and the last.
    for (const tile of [0, D / 2, D - 1]) {
      const end = Math.min(K, T * tile + T)
      const parts = [tf.slice(values, 0, [B, H, T * tile, D]), tf.fill([B, H, end - T * tile, D], Number.NaN)]
      const holed = tf.concat([...parts, tf.slice(values, [0, 0, end, 0])], 2)
      const [, dq, dk] = await results(compute, [queries, keys, holed], tensor(weight, [B, H, Q, D]))
      for (let bh = 0; bh < B * H; bh++) {
        const tiles = expected(bh, tile)
        const visited = tiles.map((each) => visits(bh, each, tile))
        for (const [i, { from, to }] of tiles.entries()) {
          const gradient = (dq as Float32Array).slice((bh * Q + from) * D, (bh * Q + to) * D)
          expect(gradient.some(Number.isNaN), `dq, head ${bh % H}, tiles ${i}, ${tile}`).toBe(visited[i])
        }
        const gradient = (dk as Float32Array).slice((bh * K + T * tile) * D, (bh * K + end) * D)
        expect(gradient.some(Number.isNaN), `dk, head ${bh % H}, tile ${tile}`).toBe(visited.includes(true))
      }
    }

    // NaN from a tile of queries shows in the gradients of the tiles of keys that visit it: here of the last.
    const last = Math.ceil(Q / T) - 1
    const holed = Float64Array.from(weight, (x, i) => (Math.floor(i / D) % Q < T * last ? x : Number.NaN))
    const [, , dk] = await results(compute, [queries, keys, values], tensor(holed, [B, H, Q, D]))
    for (let tile = 0; tile < D; tile++)
      for (let bh = 0; bh < B * H; bh++) {
        const end = Math.min(K, T * tile + T)
        const gradient = (dk as Float32Array).slice((bh * K + T * tile) * D, (bh * K + end) * D)
        const visited = visits(bh, expected(bh, tile)[last]!, tile)
        expect(gradient.some(Number.isNaN), `dk of the last queries, head ${bh % H}, tile ${tile}`).toBe(visited)
      }
  })
})
