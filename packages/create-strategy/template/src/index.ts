export { type MyStrategyOptions, myStrategy } from './my-strategy.js'
