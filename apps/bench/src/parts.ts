// The parts of the bench that run in browsers too: apps/playground is made of them.
export { trainingBatch } from './data/batch.js'
export { makeStrategy } from './plugins/strategies.js'
export { type CurvesChart, drawCurves } from './report/charts/curves.js'
export { dark, light, stylesOf, themeVariables, withVariables } from './report/palette.js'
export { logScale, scaleFor } from './report/scale.js'
export { perplexityDigits } from './report/spread.js'
