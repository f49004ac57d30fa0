export { type DebertaOptions, deberta } from './deberta.js'
export { type ShawOptions, shaw } from './shaw.js'
export { type TransformerXlOptions, transformerXl } from './transformer-xl.js'
