// A whole pass of attention with all hooks together. Letters: H heads, L tokens.
import { type AttentionPass, attentionScores } from '../attention-scores.js'
import { type ReferenceTensor, reference } from '../reference.js'
import type { PositionStrategy } from '../strategy.js'
import type { Check } from './check.js'
import { expectEqual } from './expect.js'
import { features, firstPositions, ROWS, variedParameters } from './inputs.js'

/** Sizes of a model that fit the hooks. */
function sizes({ rotation, bias, gate, terms, scores, sink }: PositionStrategy) {
  const heads = [bias, gate, terms, scores, sink, rotation].find((hook) => hook?.numHeads !== undefined)?.numHeads
  return {
    numHeads: heads ?? 2,
    headDim: terms?.headDim ?? scores?.headDim ?? Math.max(4, rotation?.rotaryDim ?? 0),
    modelDim: gate?.modelDim ?? 4,
  }
}

/** The last `numQueries` queries of a pass over the first positions. */
function passOf(strategy: PositionStrategy, numQueries: number): AttentionPass<ReferenceTensor> {
  const { numHeads, headDim, modelDim } = sizes(strategy)
  const positions = firstPositions(strategy, ROWS)
  const L = positions.length
  const last = Int32Array.from({ length: numQueries }, (_, i) => L - numQueries + i)
  return {
    q: reference.gather(features(11, numHeads, L, headDim), last, 1),
    k: features(12, numHeads, L, headDim),
    x: features(13, L, modelDim),
    numHeads,
    headDim,
    numQueries,
    positions,
  }
}

export const passChecks: readonly Check[] = [
  {
    name: 'scores a decoding step as the last row of the whole',
    applies: ({ gate, terms, scores, rotation, visibility }) =>
      Boolean(gate ?? terms ?? scores ?? visibility ?? rotation?.trainedAngles),
    run(strategy) {
      const L = firstPositions(strategy, ROWS).length
      const parameters = variedParameters(strategy)
      const whole = attentionScores(reference, strategy, parameters, passOf(strategy, L))
      const step = passOf(strategy, 1)
      expectEqual(attentionScores(reference, strategy, parameters, step), {
        what: 'the scores of a decoding step as in the whole',
        want: reference.gather(whole, Int32Array.of(L - 1), 1),
        axes: [['head'], ['query', step.positions.subarray(-1)], ['key', step.positions]],
        otherwise: () => 'a hook reads how many queries there are, or which is the first',
      })
    },
  },
]
