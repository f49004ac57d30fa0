export { type CopeOptions, cope } from './cope.js'
