export { builtInStrategies, checkOptions, strategyNames } from './built-in.js'
export { checkName } from './name.js'
export { checkValues, type OptionKind } from './options.js'
export { AS, formatReference, parseReference, parseScaling, variantOf } from './reference.js'
export { splitReference, variantName } from './reference-text.js'
export {
  contextOf,
  type StrategyContext,
  type StrategyFactory,
  type StrategyModel,
  type StrategyRegistry,
  type Variant,
} from './registry.js'
export { hasWindows, scaleStrategy, scalingFor, strategyInPlaceOf } from './replace.js'
export { type ScalingReference, scalingNames } from './scalings.js'
export { slopeSets } from './slope-sets.js'
