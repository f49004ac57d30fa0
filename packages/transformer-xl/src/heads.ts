// Letters: N distances, H heads.
import type { TensorOps } from '@alibi/core'

/** Rows through a matrix that has the heads side by side: [N, width] × [width, H·headDim] → [H, N, headDim]. */
export function toHeads<T>(
  ops: TensorOps<T>,
  rows: T,
  matrix: T,
  [H, N, headDim]: readonly [number, number, number],
): T {
  return ops.transpose(ops.reshape(ops.matmul(rows, matrix), [N, H, headDim]), [1, 0, 2])
}
