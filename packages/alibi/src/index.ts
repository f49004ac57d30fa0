export { type AlibiOptions, alibi } from './alibi.js'
export { alibiSlopes } from './slopes.js'
