export { type AttentionPass, attentionScores, attentionWeights } from './attention-scores.js'
export { type BiasTileOptions, biasTile } from './bias-tile.js'
export { type ByLayerOptions, byLayer, layerStrategy } from './by-layer.js'
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
export { type RotateOptions, type RotationTables, rotate, rotationTables, trainedRotationTables } from './rotate.js'
export { type RotateFeaturesOptions, rotateFeatures } from './rotate-features.js'
export { scoreBias } from './score-bias.js'
export type {
  BiasStrategy,
  DistanceBias,
  Embedding,
  EmbeddingStrategy,
  Gate,
  LinearBias,
  PairBias,
  PositionStrategy,
  Positions,
  RelativeTerms,
  Rotation,
  RotationStrategy,
  ScoreBias,
  ScoreRewrite,
  ScoreRows,
  SinkLogit,
  Visibility,
} from './strategy.js'
export type { TensorOps } from './tensor-ops.js'
export { isVisible } from './visibility.js'
