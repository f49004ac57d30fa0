// Rotations for kernels that turn queries and keys themselves. Letters: L tokens, D headDim.
import type { RotationTables } from '@alibi/core'

/**
 * Cosines and sines as such kernels read them; see `PackedRotation`.
 *
 * @param queries - tables of L positions and a multiple of 4 features; of `keys`, too
 * @returns [2, L, D/4, 2, 4], flat
 */
export function packTables(queries: RotationTables, keys: RotationTables): Float32Array {
  const { length } = queries.cos
  const table = new Float32Array(4 * length)
  ;[queries, keys].forEach(({ cos, sin }, side) => {
    for (let i = 0; i < length; i += 4) {
      const at = 2 * (side * length + i)
      for (let lane = 0; lane < 4; lane++) {
        table[at + lane] = cos[i + lane]!
        table[at + 4 + lane] = sin[i + lane]!
      }
    }
  })
  return table
}
