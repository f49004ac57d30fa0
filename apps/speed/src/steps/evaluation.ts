import { builtInStrategies } from '@alibi/strategies'
import { attentionNames, createModel, evaluate } from '@alibi/transformer'
import type { Contestant, Size } from './contestant.js'

/** Lengths that a text is read in; every one divides it. */
const LENGTHS = [512, 2048, 8192, 16384]
const TEXT = 16384

/** A reading of one text in sequences of some length, one at a time. */
export interface Reader extends Contestant {
  readonly length: number
  /** Most bytes of tensors at once, weights included; known after a run. */
  peakBytes(): number
}

/** Readers of the same text with one ALiBi model; a step of theirs is the whole text. */
export function readers({ layers, dim, heads, vocabulary }: Pick<Size, 'layers' | 'dim' | 'heads' | 'vocabulary'>) {
  const model = createModel(
    { vocabularySize: vocabulary, numLayers: layers, modelDim: dim, numHeads: heads },
    builtInStrategies.make('alibi', { numHeads: heads, modelDim: dim, trainLength: LENGTHS[0]! }),
  )
  const text = Int32Array.from({ length: TEXT + 1 }, () => Math.floor(Math.random() * vocabulary))
  return LENGTHS.map((length): Reader => {
    let peakBytes = 0
    return {
      name: `sequences of ${length} (${attentionNames(model, { length })[0]})`,
      length,
      peakBytes: () => peakBytes,
      async run() {
        const read = await evaluate(model, text, { evalLength: length, batchTokens: length })
        peakBytes = read.peakBytes
        return read.tokens / read.tokensPerSecond
      },
      dispose: () => length === TEXT && model.dispose(),
    }
  })
}

/** The exponent e of y ≈ c·xᵉ, by least squares of the logarithms. */
export function growth(points: readonly (readonly [x: number, y: number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const)
  const mean = (i: 0 | 1) => logs.reduce((sum, point) => sum + point[i], 0) / logs.length
  const x = mean(0)
  const y = mean(1)
  const covariance = logs.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0)
  return covariance / logs.reduce((sum, point) => sum + (point[0] - x) ** 2, 0)
}
