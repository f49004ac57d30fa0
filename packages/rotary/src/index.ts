export { type RotaryOptions, rotary } from './rotary.js'
