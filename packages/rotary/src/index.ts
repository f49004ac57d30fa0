export { type DynamicNtkOptions, dynamicNtkScaling, type LongRopeOptions, longRopeScaling } from './by-length.js'
export { type GemmaLocalOptions, gemmaLocal, type IropeOptions, irope, type LayeredStrategy } from './layers.js'
export type { MadeScaling } from './made.js'
export { type ProportionalOptions, proportionalScaling } from './proportional.js'
export { type RotaryOptions, rotary, rotaryOptions } from './rotary.js'
export {
  type Llama3Options,
  linearScaling,
  llama3Scaling,
  ntkScaling,
  type RotaryScaling,
  type ScalingOptions,
} from './scaling.js'
export { type XPosOptions, xPos } from './xpos.js'
export { type YarnOptions, yarnScaling } from './yarn.js'
