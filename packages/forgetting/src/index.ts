export { type ForgettingOptions, forgetting } from './forgetting.js'
