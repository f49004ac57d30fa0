// Letters: H heads, Q/K queries/keys.
import { alibiSlopes } from '@alibi/alibi'
import { checkInteger, defineStrategy, type ParameterValues, type Positions, type TensorOps } from '@alibi/core'

export interface GridAlibiOptions {
  readonly numHeads: number
  /** Patches in a row of the picture. Default 8. */
  readonly width?: number
}

/** ALiBi in two dimensions: −slope times how far two patches of a picture lie apart, its rows one after the other. */
export function gridAlibi({ numHeads, width = 8 }: GridAlibiOptions) {
  checkInteger('gridAlibi', 'width', width, 1)
  const apart = (query: number, key: number) =>
    Math.hypot(Math.floor(query / width) - Math.floor(key / width), (query % width) - (key % width))

  /** @returns shape [H, Q, K] */
  function evaluate<T>(ops: TensorOps<T>, _parameters: ParameterValues<T>, queries: Positions, keys: Positions): T {
    const distances = Array.from(queries).flatMap((query) => Array.from(keys, (key) => apart(query, key)))
    const slopes = ops.tensor(alibiSlopes(numHeads), [numHeads, 1, 1])
    return ops.neg(ops.mul(slopes, ops.tensor(distances, [1, queries.length, keys.length])))
  }
  return defineStrategy({ name: 'grid-alibi', bias: { kind: 'pair', numHeads, evaluate } })
}
