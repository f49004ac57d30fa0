export { dynamicNtkScaling, longRopeScaling } from './by-length.js'
export { type GemmaLocalOptions, gemmaLocal, type IropeOptions, irope, type LayeredStrategy } from './layers.js'
export { proportionalScaling } from './proportional.js'
export { type RotaryOptions, rotary, rotaryOptions } from './rotary.js'
export { linearScaling, llama3Scaling, ntkScaling, type RotaryScaling } from './scaling.js'
export type {
  DynamicNtkOptions,
  Llama3Options,
  LongRopeOptions,
  MadeScaling,
  ProportionalOptions,
  ScalingOptions,
  YarnOptions,
} from './scaling-options.js'
export { type XPosOptions, xPos } from './xpos.js'
export { yarnScaling } from './yarn.js'
