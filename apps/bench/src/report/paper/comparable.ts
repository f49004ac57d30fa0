import type { RunConfig } from '../../config.js'
import { thousands } from '../../progress.js'

/** The paper's WikiText-103 model (§3 and its published command), in the words of a run's config. */
const PAPER: Partial<RunConfig> = {
  data: 'wikitext-103',
  tokenizer: 'words',
  vocabularySize: 267_744,
  numLayers: 16,
  modelDim: 1024,
  numHeads: 8,
  activation: 'relu',
  dropout: 0.3,
  finalNorm: false,
  optimizer: 'sgd-nesterov',
  learningRate: 1,
  warmupSteps: 16_000,
  weightDecay: 0,
  clipNorm: 0.1,
  steps: 286_000,
}
/** Its 8 GPUs took 9,216 each. */
const TOKENS_A_STEP = 73_728
/** Of its validation text: those of one evaluation here are the first of them. */
const EVAL_TOKENS = 217_646

/** In what a run differs from the paper's; empty: their perplexities can be compared. */
export function differencesFromPaper(config: RunConfig): string[] {
  const settings = Object.entries(PAPER).flatMap(([name, paper]) => {
    const ours = config[name as keyof RunConfig]
    return ours === paper ? [] : [`${name} ${format(ours)} (the paper: ${format(paper)})`]
  })
  const perStep = config.batchSize * config.trainLength
  return [
    ...settings,
    ...(perStep === TOKENS_A_STEP
      ? []
      : [`${thousands(perStep)} tokens a step (the paper: ${thousands(TOKENS_A_STEP)})`]),
    ...(config.evalTokens >= EVAL_TOKENS
      ? []
      : [`${thousands(config.evalTokens)} tokens evaluated (the paper: all ${thousands(EVAL_TOKENS)})`]),
  ]
}

const format = (value: unknown) => (typeof value === 'number' && value >= 1000 ? thousands(value) : String(value))
