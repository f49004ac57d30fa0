export { type BucketOptions, t5Bucket } from './bucket.js'
export { type T5BiasOptions, t5Bias } from './t5-bias.js'
