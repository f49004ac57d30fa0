// Attention. Letters: B batch, H heads, G heads of keys and values, Q queries, C slots, D headDim.
import { sizeOf } from '../chain-shapes.js'
import { isSmall, isSmallProduct, type Operand, placeOrNone, roomFor, type Translate } from './op.js'

/** Attributes of attention, in the order of native/operations.cc. */
const ATTENTION_SETTINGS = [
  ...['batch_size', 'num_heads', 'pair_stride', 'window', 'sinks'],
  ...['projected', 'trains_slopes', 'trains_table'],
]

/** Attention, or its gradient, which also gets the result, the sums and the result's gradient. */
export const attention =
  (does: 'attention' | 'attentionGradient'): Translate =>
  ({ inputs, outputs, attributes, program }) => {
    if (!program.isWhole) return undefined
    const number = (name: string) => Number(attributes.get(name))
    const [q, k] = inputs as [Operand, Operand]
    const isProjected = number('projected') === 1
    const numQueries = isProjected ? q.shape[0]! / number('batch_size') : q.shape[2]!
    const numKeys = isProjected ? numQueries : k.shape[2]!
    const headDim = isProjected ? q.shape[1]! / 3 / number('num_heads') : q.shape[3]!
    const documentRows = sizeOf(inputs[8]!.shape) / numQueries
    const sizes = [...ATTENTION_SETTINGS.map(number), numQueries, numKeys, headDim, documentRows]
    const results = outputs.map((output) => roomFor(output, program))
    program.write(does, [...results, ...inputs.map(placeOrNone)], sizes)
    return results
  }

export const attendSlots: Translate = ({ inputs: [q, k, v, added], outputs: [out], program }) => {
  const [B, H, Q, D] = q!.shape as [number, number, number, number]
  const [G, C] = k!.shape.slice(1) as [number, number]
  if (!program.isWhole && (!isSmallProduct(Q, 2 * B * H * Q * C * D) || !isSmall(out!))) return undefined
  const [byBatch, byHead] = [added!.shape[0]! > 1, added!.shape[1]! > 1]
  const steps = [byBatch ? (byHead ? H : 1) * Q * C : 0, byHead ? Q * C : 0]
  const operands = [q!.place, k!.place, v!.place, added!.place]
  return [program.make('attendSlots', operands, [H, Q, D, G, C, ...steps, B * H * Q], sizeOf(out!.shape))]
}
