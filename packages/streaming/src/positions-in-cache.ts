// Letters: B batch, H heads, Q/K queries/keys.
import {
  fail,
  type ParameterValues,
  type PositionStrategy,
  type Positions,
  type Rotation,
  rotate,
  type ScoreRewrite,
  type ScoreRows,
  scoreBias,
  type TensorOps,
} from '@alibi/core'

/** The sizes that {@link positionsInCache} needs. */
interface CacheSizes {
  readonly numHeads: number
  readonly headDim: number
  readonly window: number
  readonly sinks: number
}

/**
 * The scores that a strategy would give if positions were counted within the cache. A full cache has sinks + window tokens,
 * so a query further on stands at the last place of it. Distances within the window stay the same; those to the first
 * tokens are counted from that place. Only these scores change.
 *
 * @param strategy - that {@link checkDistances} lets pass
 * @returns undefined if no score changes: without first tokens, or for a strategy whose scores do not depend on positions
 */
export function positionsInCache(
  { name, rotation, bias }: PositionStrategy,
  { numHeads, headDim, window, sinks }: CacheSizes,
): ScoreRewrite | undefined {
  if (!sinks || (!rotation && !bias)) return undefined

  /** @returns shape [B, H, Q, K] */
  function evaluate<T>(ops: TensorOps<T>, parameters: ParameterValues<T>, rows: ScoreRows<T>): T {
    const [B, H, Q, K] = rows.shape
    const { queries, keys } = rows
    if (keys.every((position) => position > 0))
      fail('streaming', `positions of ${name} from 0 on, with those of the first tokens`, `from ${Math.min(...keys)}`)
    const places = queries.map((position) => Math.min(position, sinks + window - 1))
    const moved = rotation && { ...rotation, ...fromTo(rotation, queries, places) }
    const q = moved ? rotate(ops, moved, rows.q, [B, H, Q, headDim], places, 'query', { parameters }) : rows.q
    const products = ops.matmul(q, ops.transpose(rows.k, [0, 1, 3, 2]))
    const scaled = ops.mul(products, ops.tensor([1 / Math.sqrt(headDim)], [1]))
    const inCache = bias ? ops.add(scaled, scoreBias(ops, bias, parameters, places, keys)) : scaled
    const isFirst = keys.map((position) => Number(position >= 0 && position < sinks))
    const others = ops.tensor(
      isFirst.map((first) => 1 - first),
      [1, 1, 1, K],
    )
    return ops.add(ops.mul(rows.scores, others), ops.mul(inCache, ops.tensor(isFirst, [1, 1, 1, K])))
  }
  return { numHeads, headDim, evaluate }
}

/** Turns queries that were turned at `from` on to `places`, with the magnitudes of those. */
function fromTo(rotation: Rotation, from: Positions, places: Positions): Partial<Rotation> {
  const { magnitudes, trainedAngles } = rotation
  const angles = rotation.angles(from)
  const before = magnitudes?.call(rotation, from, 'query')
  return {
    angles: () => rotation.angles(places).map((angle, i) => angle - angles[i]!),
    ...(before && {
      magnitudes: () => magnitudes!.call(rotation, places, 'query').map((magnitude, i) => magnitude / before[i]!),
    }),
    ...(trainedAngles && {
      trainedAngles: <T>(ops: TensorOps<T>, parameters: ParameterValues<T>) =>
        ops.sub(
          trainedAngles.call(rotation, ops, parameters, places) as T,
          trainedAngles.call(rotation, ops, parameters, from) as T,
        ),
    }),
  }
}

/**
 * Within the window only distances are the same in the text and in the cache.
 *
 * @throws RangeError for a strategy whose scores depend on more than distances
 */
export function checkDistances({ name, rotation, bias, ...hooks }: PositionStrategy): void {
  const other = (['embedding', 'gate', 'terms', 'scores'] as const).find((hook) => hooks[hook])
  const what =
    other ??
    (rotation && (rotation.relative === false || !rotation.cacheable) ? 'rotation' : bias?.kind === 'pair' && 'bias')
  if (what)
    fail('streaming', "a rotation or bias of the distance alone with positions 'cache'", `the ${what} of ${name}`)
}
