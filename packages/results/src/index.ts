export {
  type CellKey,
  cellId,
  cellName,
  describeCell,
  groupByCell,
  isCell,
  type ModelShape,
  modelSize,
} from './cell.js'
export {
  type Comparison,
  type CostDifference,
  type CostName,
  compareResults,
  type PerplexityDifference,
  type RowPair,
} from './compare.js'
export { EFFECTIVE_SCORE, type EffectiveLength, effectiveLength } from './effective-length.js'
export { checkFindings, type Finding } from './findings.js'
export { groupBy } from './group.js'
export { type Evidence, evidenceText, type Judgement, percent, type Verdict } from './judgement.js'
export {
  type ContextLine,
  type EvalLine,
  lineText,
  type OtherLine,
  type PositionsLine,
  type ResultLine,
  type RetrievalLine,
  type RunLine,
  resultsText,
  SCHEMA_VERSION,
  type TaskLine,
  type TrainLine,
} from './lines.js'
export { reachOf } from './reach.js'
export {
  createResultsReader,
  emptyResults,
  linesOf,
  parseResults,
  type Results,
  type ResultsFile,
  type ResultsReader,
} from './read.js'
export { describeReading, makeReading, type Reading, sameReading } from './reading.js'
export {
  evalLengthsOf,
  linesOfRow,
  PLAIN,
  type ReadingGroup,
  type Row,
  readingGroups,
  rowsOf,
  trainedOnOf,
  trainLengthsOf,
  wasRead,
} from './rows.js'
export { differentSettings, otherText, type SettingDifference } from './settings.js'
export { type ScoreOverSeeds, scoreOverSeeds, wilsonInterval } from './shares.js'
export { formatMean, formatPerplexity, median, orNotFinite, perplexityDigits, type Spread, spreadOf } from './spread.js'
export { type BySeed, type PairedTest, pairedTest, type Standing, significant, standing } from './statistics.js'
export { studentP, studentQuantile } from './student.js'
export { commonLoss, over, perplexityOf, type RowSummary, summarize } from './summary.js'
export { onlyKeysOf, validate } from './validate.js'
