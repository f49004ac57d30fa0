import { createHash } from 'node:crypto'
import {
  attentionScores,
  initialParameters,
  type ParameterValues,
  type PositionStrategy,
  type Positions,
  positionRange,
  type ReferenceTensor,
  reference,
  scoreBias,
} from '@alibi/core'

/**
 * A hash of what a strategy declares and computes at many positions, in fp32. It notices a changed formula in whichever
 * file that is, and overlooks comments and formatting: a hash of the plugin's file would do neither.
 */
export function fingerprint(strategy: PositionStrategy): string {
  const { parameters = {}, maxPositions, embedding, rotation, bias, sink } = strategy
  // Parameters that start as zeros would hide what is done with them.
  const anywhere = Object.entries(parameters).map(
    ([key, { shape }]) => [key, { shape, init: { kind: 'uniform' as const, low: 0.5, high: 1.5 } }] as const,
  )
  const values = initialParameters(reference, Object.fromEntries(anywhere))
  const positions = positionRange(0, 48)
    .map((i) => (i < 32 ? i : 2 ** (i - 27)))
    .filter((position) => position < (maxPositions ?? Number.POSITIVE_INFINITY))
  const computed = [
    embedding?.evaluate(reference, values, positions).data,
    rotation?.angles(positions),
    rotation?.magnitudes?.(positions, 'query'),
    rotation?.magnitudes?.(positions, 'key'),
    bias && scoreBias(reference, bias, values, positions, positions).data,
    readsContent(strategy) ? scoresOf(strategy, values, positions).data : undefined,
    sink?.evaluate(reference, values).data,
  ]
  const hash = createHash('sha256').update(JSON.stringify(declared(strategy)))
  for (const data of computed) hash.update(Float32Array.from(data ?? []))
  return hash.digest('hex')
}

/** What a strategy says of itself; what it does not have is left out, so that older fingerprints stay. */
function declared({ parameters = {}, layers, ...strategy }: PositionStrategy): object {
  const { name, parameterScope, maxPositions, embedding, rotation, bias } = strategy
  const { gate, terms, scores, visibility, sink } = strategy
  return {
    ...{ name, parameters, parameterScope, maxPositions, modelDim: embedding?.modelDim },
    ...{ rotaryDim: rotation?.rotaryDim, pairing: rotation?.pairing, cacheable: rotation?.cacheable },
    ...{ kind: bias?.kind, numHeads: bias?.numHeads },
    rotatedHeads: rotation?.numHeads,
    ...{ gate: gate && [gate.numHeads, gate.modelDim], terms: terms && [terms.numHeads, terms.headDim, terms.scale] },
    ...{ scores: scores && [scores.numHeads, scores.headDim, scores.weights], visibility, sink: sink?.numHeads },
    layers: layers?.map(fingerprint),
  }
}

const readsContent = ({ gate, terms, scores, rotation }: PositionStrategy): boolean =>
  Boolean(gate ?? terms ?? scores ?? rotation?.trainedAngles)

/** Attention scores of one pass with features from −1 to 1. */
function scoresOf(
  strategy: PositionStrategy,
  parameters: ParameterValues<ReferenceTensor>,
  positions: Positions,
): ReferenceTensor {
  const { gate, terms, scores, bias, rotation } = strategy
  const numHeads = [gate, terms, scores, bias, rotation].find((hook) => hook?.numHeads)?.numHeads ?? 1
  const headDim = terms?.headDim ?? scores?.headDim ?? rotation?.rotaryDim ?? 4
  const numTokens = positions.length
  const features = (rate: number, ...shape: number[]) =>
    reference.tensor(
      Float64Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(rate * i)),
      shape,
    )
  return attentionScores(reference, strategy, parameters, {
    q: features(1.7, numHeads, numTokens, headDim),
    k: features(2.3, numHeads, numTokens, headDim),
    x: features(3.1, numTokens, gate?.modelDim ?? 1),
    ...{ numHeads, headDim, numQueries: numTokens, positions },
  })
}
