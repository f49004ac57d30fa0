// The parts of the bench that run in browsers too: apps/playground is made of them.
export { trainingBatch } from './data/batch.js'
export { makeStrategy } from './plugins/strategies.js'
export { perplexityDigits } from './report/spread.js'
