// Where fairseq's weights start: modules/multihead_attention.py, transformer_layer.py, adaptive_input.py, adaptive_softmax.py.
import type { ParameterSpec } from '@alibi/core'

const uniform = (shape: number[], bound: number): ParameterSpec => ({
  shape,
  init: { kind: 'uniform', low: -bound, high: bound },
})

/** The starts that fairseq's language models are made of; its zero rows for padding, which has no id here, are left out. */
export const fairseqStart = {
  /** Xavier: of projections of tables, and attention's output; queries, keys and values have a gain of 1/√2. */
  glorot: (from: number, to: number, gain = 1) => uniform([from, to], gain * Math.sqrt(6 / (from + to))),
  /** torch's own for a linear layer, weights and biases: of the MLP; of queries, keys and values the biases. */
  linear: (from: number, to: number) => uniform([from, to], from ** -0.5),
  bias: (from: number, to: number) => uniform([to], from ** -0.5),
} as const
