// Other positions in place of those that a model was trained with.
import { byLayer, compose, defineStrategy, none, type PositionStrategy, type Visibility } from '@alibi/core'
import { rotaryOptions } from '@alibi/rotary'
import { completeScaling, makeScaling, type ScalingReference } from './scalings.js'
import { withScaling } from './with-scaling.js'

/**
 * A scaling with all that it depends on: the train length that frequencies belong to is the one that the strategy's own scaling
 * says, else the model's.
 *
 * @param trainLength - of the model
 */
export const scalingFor = (own: PositionStrategy, scaling: ScalingReference, trainLength: number): ScalingReference =>
  completeScaling(scaling, originalLength(own) ?? trainLength)

/**
 * The strategy of a model with its rotary positions scaled otherwise: all else stays as it was.
 *
 * @param name - of the result
 * @throws RangeError, one line, for a strategy that has no rotary positions
 */
export const scaleStrategy = (own: PositionStrategy, scaling: ScalingReference, name: string): PositionStrategy => {
  if (!partsOf(own).some(({ rotation }) => rotation && rotaryOptions(rotation)))
    throw new RangeError(
      `positions ${name}: expected a model with rotary positions to scale, got one with ${own.name}; take a strategy instead`,
    )
  return defineStrategy({ ...withScaling(own, makeScaling(scaling)), name })
}

/**
 * A strategy in place of a model's own. Positions say how far apart tokens are, not which are seen: windows of the model stay,
 * unless the strategy has its own.
 *
 * @throws RangeError, one line, for a model whose softmax has sink logits: they were trained with its own positions
 */
export function strategyInPlaceOf(own: PositionStrategy, strategy: PositionStrategy): PositionStrategy {
  const { name } = strategy
  if (partsOf(own).some(({ sink }) => sink))
    throw new RangeError(
      `positions ${name}: expected a model without sink logits, got ${own.name}, which has them; scale its positions instead`,
    )
  if (!hasWindows(own) || hasWindows(strategy)) return strategy
  const windows = own.layers
    ? byLayer(own.layers.map(({ visibility }) => windowOf(visibility)))
    : windowOf(own.visibility)
  return defineStrategy({ ...compose(strategy, defineStrategy({ ...windows, name: 'window' })), name })
}

/** Whether a strategy limits what is seen in any layer. */
export const hasWindows = (strategy: PositionStrategy): boolean =>
  partsOf(strategy).some(({ visibility }) => visibility)

const windowOf = (visibility: Visibility | undefined): PositionStrategy =>
  visibility ? defineStrategy({ name: 'window', visibility }) : none()

const partsOf = (strategy: PositionStrategy): readonly PositionStrategy[] => strategy.layers ?? [strategy]

function originalLength(own: PositionStrategy): number | undefined {
  for (const { rotation } of partsOf(own)) {
    const made = (rotation && rotaryOptions(rotation))?.scaling?.made
    if (made && 'originalMaxPositions' in made) return made.originalMaxPositions
  }
  return undefined
}
