import type { RunLine } from '@alibi/results'
import { resolveRunConfig } from '../../config/resolve.js'
import { thousands } from '../../terminal/format.js'

/** What makes the perplexities of the paper's WikiText-103 models; the train length is each row's own. */
const SETTINGS = [
  ...(['data', 'tokenizer', 'vocabularySize', 'adaptiveCutoffs', 'numLayers', 'modelDim', 'numHeads'] as const),
  ...(['activation', 'dropout', 'attentionDropout', 'activationDropout', 'tailDropout', 'finalNorm'] as const),
  ...(['optimizer', 'learningRate', 'minLearningRate', 'warmupSteps', 'weightDecay', 'clipNorm', 'steps'] as const),
  ...(['initialization', 'initialLearningRate', 'batches', 'firstToken'] as const),
]
const paper = resolveRunConfig({ preset: 'paper-wt103' })
/** Its 8 GPUs took 9,216 each. */
const TOKENS_A_STEP = 73_728
/** Tokens of its validation text. One evaluation here reads the first of them. */
const EVAL_TOKENS = 217_646

/** In what a run differs from the paper's; empty: their perplexities can be compared. */
export function differencesFromPaper({ config }: RunLine): string[] {
  const settings = SETTINGS.flatMap((name) => {
    const [ours, theirs] = [format(config[name]), format(paper[name])]
    return ours === theirs ? [] : [`${name} ${ours} (the paper: ${theirs})`]
  })
  const perStep = Number(config.batchSize) * config.trainLength
  return [
    ...settings,
    ...(perStep === TOKENS_A_STEP
      ? []
      : [
          `${Number.isNaN(perStep) ? 'another number of' : thousands(perStep)} tokens a step (the paper: ${thousands(TOKENS_A_STEP)})`,
        ]),
    ...(Number(config.evalTokens) >= EVAL_TOKENS
      ? []
      : [
          `${typeof config.evalTokens === 'number' ? thousands(config.evalTokens) : 'another number of'} tokens evaluated (the paper: all ${thousands(EVAL_TOKENS)})`,
        ]),
  ]
}

const format = (value: unknown): string => {
  if (Array.isArray(value)) return value.map(format).join(' and ')
  return typeof value === 'number' && value >= 1000 ? thousands(value) : String(value ?? 'none')
}
