export { checkInteger, checkOneOf, checkPositive, checkStrategy } from './check.js'
export { compose } from './compose.js'
export { none } from './none.js'
export {
  type Initializer,
  initialParameters,
  initialValues,
  type ParameterSpec,
  type ParameterValues,
  seededRandom,
} from './parameters.js'
export { positionRange } from './positions.js'
export { type ReferenceTensor, reference } from './reference.js'
export { type RotationTables, rotate, rotationTables } from './rotate.js'
export { scoreBias } from './score-bias.js'
export type {
  DistanceBias,
  Embedding,
  LinearBias,
  PairBias,
  PositionStrategy,
  Positions,
  Rotation,
  ScoreBias,
} from './strategy.js'
export type { TensorOps } from './tensor-ops.js'
