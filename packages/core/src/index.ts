export { type BiasTileOptions, biasTile } from './bias-tile.js'
export { checkBoolean, checkInteger, checkOneOf, checkOptions, checkPositive, fail } from './check.js'
export { checkStrategy } from './check-strategy.js'
export { type Composed, compose } from './compose.js'
export { defineStrategy, type StrategyDefinition } from './define-strategy.js'
export { none } from './none.js'
export {
  type Initializer,
  initialParameters,
  initialValues,
  type ParameterSpec,
  type ParameterValues,
  scopeOf,
  seededRandom,
} from './parameters.js'
export { positionRange } from './positions.js'
export { type ReferenceTensor, reference } from './reference.js'
export { type RotationTables, rotate, rotationTables } from './rotate.js'
export { type RotateFeaturesOptions, rotateFeatures } from './rotate-features.js'
export { scoreBias } from './score-bias.js'
export type {
  BiasStrategy,
  DistanceBias,
  Embedding,
  EmbeddingStrategy,
  LinearBias,
  PairBias,
  PositionStrategy,
  Positions,
  Rotation,
  RotationStrategy,
  ScoreBias,
} from './strategy.js'
export type { TensorOps } from './tensor-ops.js'
