import { basename, join, resolve } from 'node:path'
import { backendNames } from '@alibi/backend'
import { huggingFaceFamilies } from '@alibi/huggingface/families'
import { InvalidArgumentError, Option } from 'commander'
import { presets } from '../config/presets.js'
import { type RunOptions, runConfigSchema } from '../config/schema.js'
import { sourceNames } from '../data/sources.js'
import { strategyNames } from '../plugins/strategies.js'

const list = (text: string) => text.split(',').map((part) => part.trim())

/** e.g. `-12`, `1_000`, `3e-4` */
const DECIMAL = /^\s*[+-]?(\d[\d_]*(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i

/** For numeric options. */
export function number(text: string): number {
  const value = Number(text.replaceAll('_', ''))
  if (!DECIMAL.test(text) || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number')
  return value
}

const numbers = (text: string) => list(text).map(number)

/** What may name a strategy; the same for every command. */
export const strategyHelp = `${strategyNames.join(', ')}, or a file or package of your own, e.g. ./mine.ts`

export const backendOption = () =>
  new Option('--backend <name>', 'what computes').choices(['auto', ...backendNames]).default('auto')

export const tokenizers = runConfigSchema.shape.tokenizer.options

export const tensorboardOption = () =>
  new Option('--tensorboard <folder>', "also write TensorBoard's event files, below a folder with the results' name")

/** TensorBoard's folder for a run, if it is to have one. */
export const tensorboardFolder = (tensorboard: string | undefined, results: string) =>
  tensorboard === undefined ? undefined : join(resolve(tensorboard), basename(results))

/** The options that make a run's config; a preset has the rest. */
export const configOptions = (): Option[] => [
  new Option('--preset <name>', 'an experiment and its size').choices(Object.keys(presets)),
  new Option('--data <name|file|folder>', `${sourceNames.join(', ')}, or a file or folder of your own`),
  new Option('--tokenizer <kind>', 'what a token is').choices(tokenizers),
  new Option('--train-length <tokens>', 'tokens in a training sequence').argParser(number),
  new Option('--steps <n>', 'training steps').argParser(number),
  new Option('--batch-size <rows>', 'sequences in a training step').argParser(number),
  new Option('--micro-batches <n>', 'parts of a step computed in turn, in less memory').argParser(number),
  new Option('--num-layers <n>', 'transformer blocks').argParser(number),
  new Option('--model-dim <n>', 'width of the model').argParser(number),
  new Option('--num-heads <n>', 'attention heads; they divide the width').argParser(number),
  new Option('--architecture <family>', 'norms, MLP and biases of another family (default: as in the paper)').choices(
    huggingFaceFamilies,
  ),
  new Option('--dropout <rate>', 'share of activations dropped in training').argParser(number),
  new Option('--random-positions <range>', 'draw positions from 0 to it, anew in every step').argParser(number),
  new Option('--learning-rate <rate>', 'its peak').argParser(number),
]

/** The options that only a run of many cells has. */
export const cellsOptions = (): Option[] => [
  new Option('--strategies <names>', `from ${strategyHelp}`).argParser(list),
  new Option('--eval-lengths <tokens,...>', 'lengths to evaluate at').argParser(numbers),
  new Option('--eval-tokens <n>', 'held-out tokens scored at each length').argParser(number),
  new Option('--protocols <names>', 'from nonoverlapping, sliding, streaming').argParser(list),
  new Option('--stride <tokens>', 'that sliding and streaming windows advance by (default: half)').argParser(number),
  new Option('--windowed-control', 'beyond the train length also evaluate with attention limited to it'),
  new Option('--seeds <n,...>', 'each trains every strategy').argParser(numbers),
]

const CONFIG_KEYS = [
  ...[
    'preset',
    'data',
    'tokenizer',
    'trainLength',
    'steps',
    'batchSize',
    'microBatches',
    'numLayers',
    'modelDim',
    'numHeads',
  ],
  ...[
    'architecture',
    'dropout',
    'randomPositions',
    'learningRate',
    'strategies',
    'evalLengths',
    'evalTokens',
    'seeds',
    'protocols',
    'stride',
    'windowedControl',
  ],
]

/** What was asked for on the command line, without what was not. */
export const givenConfig = (options: Record<string, unknown>): RunOptions =>
  Object.fromEntries(CONFIG_KEYS.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]])))
