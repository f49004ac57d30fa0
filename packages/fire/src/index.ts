export { type FireOptions, fire } from './fire.js'
