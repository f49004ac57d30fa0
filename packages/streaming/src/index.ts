export { type SinkLogitOptions, sinkLogit } from './sink-logit.js'
export { type StreamingOptions, streaming } from './streaming.js'
export { type WindowOptions, windowed } from './windowed.js'
