export { type Created, createStrategy } from './create.js'
