import type { Size } from '../steps/contestant.js'

/** What attention is timed on; B = 1. */
export interface AttentionShape {
  readonly heads: number
  readonly headDim: number
  readonly length: number
  /** Passes timed at a time. */
  readonly passes: number
  /** Whether whole matrices of scores fit: those of `stock` and, in training, of tiles. */
  readonly matrices: boolean
}

export interface Sizes {
  /** Numbers copied for the bandwidth. */
  readonly copied: number
  /** Rows and columns of the product. */
  readonly product: number
  readonly attention: readonly AttentionShape[]
  readonly training: Size
}

const shape = (length: number, passes: number, matrices = false): AttentionShape => ({
  heads: 16,
  headDim: 64,
  length,
  passes,
  matrices,
})

export const gpuSizes: Sizes = {
  copied: 2 ** 24,
  product: 4096,
  attention: [shape(1024, 20, true), shape(4096, 5), shape(16_384, 2)],
  training: { name: '16k tokens', batch: 16, length: 1024, layers: 6, dim: 512, heads: 8, vocabulary: 4096, steps: 2 },
}

/** For a processor that stands in for a GPU: to see that everything works. */
export const softwareSizes: Sizes = {
  copied: 2 ** 12,
  product: 32,
  attention: [{ heads: 2, headDim: 16, length: 64, passes: 1, matrices: true }],
  training: { name: '32 tokens', batch: 2, length: 16, layers: 1, dim: 16, heads: 2, vocabulary: 16, steps: 1 },
}
