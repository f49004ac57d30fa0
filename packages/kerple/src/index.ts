export { type KerpleOptions, kerple } from './kerple.js'
