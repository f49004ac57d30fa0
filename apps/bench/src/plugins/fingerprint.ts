import { createHash } from 'node:crypto'
import { initialParameters, type PositionStrategy, positionRange, reference, scoreBias } from '@alibi/core'

/**
 * A hash of what a strategy declares and computes at many positions, in fp32. It notices a changed formula in whichever
 * file that is, and overlooks comments and formatting: a hash of the plugin's file would do neither.
 */
export function fingerprint(strategy: PositionStrategy): string {
  const { name, parameters = {}, parameterScope, maxPositions, embedding, rotation, bias } = strategy
  const declared = {
    ...{ name, parameters, parameterScope, maxPositions, modelDim: embedding?.modelDim },
    ...{ rotaryDim: rotation?.rotaryDim, pairing: rotation?.pairing, cacheable: rotation?.cacheable },
    ...{ kind: bias?.kind, numHeads: bias?.numHeads },
  }
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
  ]
  const hash = createHash('sha256').update(JSON.stringify(declared))
  for (const data of computed) hash.update(Float32Array.from(data ?? []))
  return hash.digest('hex')
}
