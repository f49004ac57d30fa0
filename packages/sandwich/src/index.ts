export { type SandwichOptions, sandwich } from './sandwich.js'
