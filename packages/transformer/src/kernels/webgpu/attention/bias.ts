// WGSL of what is added to scores.
import { wgsl } from '../wgsl.js'

/** What of a pass's bias, gate and mask a kernel must be generated for; the numbers are in its buffers. */
export interface BiasShape {
  readonly kind: 'none' | 'linear' | 'table'
  /** Whether `positions` is bound: for a linear bias between positions that are not consecutive. */
  readonly positions: boolean
  /** Whether `gate` is bound: the running sums along the keys of each row and head. */
  readonly gate: boolean
  readonly padding: boolean
  /** Whether `bounds` is bound, and with it the rule that leaves out pairs of tiles. */
  readonly skipping: boolean
}

/**
 * Functions of four pairs of a query and a key: their `distance4`, and what is added to their scores, `biasOf`. A query's index
 * counts all keys.
 */
export const biasCode = ({ kind, positions, gate }: BiasShape) => wgsl`
fn distance4(query: vec4u, key: vec4u) -> vec4f {
  ${positions ? 'return vec4f(abs(positionsAt(query) - positionsAt(key)));' : 'return vec4f(vec4i(query) - vec4i(key));'}
}
${positions ? gather4('positions', 'min(i, vec4u(u.numKeys - 1u))', 'vec4i') : ''}
${kind === 'table' ? gather4('table', 'h * u.tableLength + min(i, vec4u(u.tableLength - 1u))') : ''}
${gate ? gather4('gate', 'bh * u.numKeys + min(i, vec4u(u.numKeys - 1u))') : ''}
fn biasOf(query: vec4u, key: vec4u) -> vec4f {
  return ${
    {
      none: 'vec4f()',
      linear: '-slopes[h] * distance4(query, key)',
      table: 'tableAt(query - min(query, key))',
    }[kind]
  }${gate ? ' + (gateAt(query) - gateAt(key))' : ''};
}
`

/** `nameAt(i)`: four numbers of a buffer. */
export const gather4 = (name: string, index: string, four: 'vec4f' | 'vec4i' = 'vec4f') => wgsl`
fn ${name}At(i: vec4u) -> ${four} {
  let at = ${index};
  return ${four}(${name}[at.x], ${name}[at.y], ${name}[at.z], ${name}[at.w]);
}`
