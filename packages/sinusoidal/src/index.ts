export { type LearnedOptions, learned } from './learned.js'
export { type SinusoidalOptions, sinusoidal } from './sinusoidal.js'
