// The parts of the bench that run in browsers too: apps/playground is made of them.

export { perplexityDigits } from '@alibi/results'
export { trainingBatch } from './data/batch.js'
