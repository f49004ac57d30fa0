import { basename, join, resolve } from 'node:path'
import { backendNames } from '@alibi/backend'
import { huggingFaceFamilies } from '@alibi/huggingface/families'
import { scalingNames, strategyNames } from '@alibi/strategies'
import { InvalidArgumentError, Option } from 'commander'
import { presets } from '../config/presets.js'
import { type RunOptions, runConfigSchema } from '../config/schema.js'
import { without } from '../config/without.js'
import { sourceNames } from '../data/sources.js'
import { builtInTasks } from '../data/tasks/built-in.js'
import { tokenizerSettings } from '../data/tokenizer/settings.js'

export const list = (text: string) => text.split(',').map((part) => part.trim())

/** e.g. `-12`, `1_000`, `3e-4` */
const DECIMAL = /^\s*[+-]?(\d[\d_]*(\.\d*)?|\.\d+)(e[+-]?\d+)?\s*$/i

/** For numeric options. */
export function number(text: string): number {
  const value = Number(text.replaceAll('_', ''))
  if (!DECIMAL.test(text) || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number')
  return value
}

const numbers = (text: string) => list(text).map(number)

/** e.g. `256:0.8,1024:0.2` */
const stages = (text: string) =>
  list(text).map((each) => {
    const [length = '', share, ...rest] = each.split(':')
    if (share === undefined || rest.length) throw new InvalidArgumentError('expected lengths with shares, as 256:0.8')
    return { length: number(length), share: number(share) }
  })

/** What may be opened; the same for every command. */
export const checkpointHelp =
  'e.g. runs/…/checkpoints/alibi-seed1, a folder of Hugging Face transformers, or a file of fairseq'

/** What may name a strategy; the same for every command. */
export const strategyHelp = `${strategyNames.join(', ')}, with options, e.g. rotary:base=500000, or a file or package of your own, e.g. ./mine.ts`

/** Where the strategy is that a checkpoint was trained with. It computes what it did. */
export const pluginOption = () =>
  new Option(
    '--strategy <file|package>',
    'where the strategy of the checkpoint is now, if it is not built in and moved; of fairseq: alibi, sinusoidal or none',
  )

/** What the model is to have instead. */
export const positionsOption = () =>
  new Option(
    '--positions <name|file|package>',
    `in place of those it was trained with: a scaling of its rotary ones (${scalingNames.join(', ')}), e.g. yarn:factor=4, or a strategy, e.g. alibi:scale=0.5, none or ./mine.ts`,
  )

export const vocabularyOption = () =>
  new Option(
    '--vocabulary <name|file>',
    'of a fairseq checkpoint: its dict.txt, or the text it was trained on (default: dict.txt beside it)',
  )

export const trainLengthOption = () =>
  new Option('--train-length <tokens>', 'for a checkpoint from elsewhere that does not say it').argParser(number)

export const backendOption = () =>
  new Option('--backend <name>', 'what computes').choices(['auto', ...backendNames]).default('auto')

/** @param what - is done with it */
export const queueOption = (what: string) =>
  new Option(
    '--queue [address]',
    `a Redis or Valkey, e.g. redis://host:6379, or rediss:// for TLS: ${what}. A password goes into BENCH_QUEUE_PASSWORD, or with the address into BENCH_QUEUE_URL`,
  )

export const storeOption = () =>
  new Option(
    '--store <folder|s3://bucket/prefix>',
    'that all machines see: texts, and checkpoints from which another worker goes on. Default: a cell that is taken over starts anew',
  )

/** One model trained, and evaluated where a command does, by several processes or threads. */
export const replicaOptions = (): Option[] => [
  new Option(
    '--replicas <n>',
    'processes that share the work on each model, on this machine; threads on wasm, by default one a core, and cpu',
  ).argParser(number),
  new Option(
    '--cluster <addresses>',
    'replicas on several machines: host:port,… of all, each started with the same list, or slurm or torchrun, which start them; without authentication: a network of your own',
  ),
  new Option(
    '--replica <i>',
    'which of the cluster this process is, from 0 (default: RANK, SLURM_PROCID or JOB_COMPLETION_INDEX)',
  ).argParser(number),
]

/** Those that a text decides. */
const tokenizers: readonly string[] = runConfigSchema.shape.tokenizer.exclude(['tokens']).options

/** One of them, or a file; see {@link tokenizerSettings}. */
function tokenizer(text: string): string {
  if (!tokenizers.includes(text) && !text.endsWith('.json'))
    throw new InvalidArgumentError(`expected one of ${tokenizers.join(', ')}, or a tokenizer.json`)
  return text
}

/** @param description - of the option */
export const tokenizerOption = (description: string) =>
  new Option('--tokenizer <kind|file>', `${description}: ${tokenizers.join(', ')}, or a tokenizer.json`).argParser(
    tokenizer,
  )

export const tensorboardOption = () =>
  new Option('--tensorboard <folder>', "also write TensorBoard's event files, below a folder with the results' name")

/** TensorBoard's folder for a run, if it is to have one. */
export const tensorboardFolder = (tensorboard: string | undefined, results: string) =>
  tensorboard === undefined ? undefined : join(resolve(tensorboard), basename(results))

const { shape } = runConfigSchema

/** With what the default preset has in its place. */
function setting(flags: string, description: string, ...parse: readonly ((text: string) => unknown)[]): Option {
  const option = new Option(flags, description)
  const value = (presets.quick as Readonly<Record<string, unknown>>)[option.attributeName()]
  if (value !== undefined) option.description += ` (${value})`
  return parse.length ? option.argParser(parse[0]!) : option
}

/** The settings of a run that trains one model; a preset has what is left out. */
export const configOptions = (): Option[] => [
  new Option(
    '--preset <name>',
    'has all settings that are left out; in brackets: those of quick, which is taken',
  ).choices(Object.keys(presets)),
  setting(
    '--data <name|file|folder|task:…>',
    `${sourceNames.join(', ')}, a file or folder of your own, or task: with ${builtInTasks.join(', ')} or a file of your own`,
  ),
  new Option(
    '--pack',
    'documents (records, or files of a folder) do not see each other; each has positions of its own',
  ),
  tokenizerOption(`what a token is (${presets.quick.tokenizer})`),
  setting('--vocabulary-size <words>', 'the most frequent ones, at most so many', number),
  setting('--train-length <tokens>', 'tokens in a training sequence', number),
  setting(
    '--first-token <mark>',
    'eos: before held-out text, so that all of it is scored; bos: first in every row and window',
  ).choices(shape.firstToken.unwrap().options),
  setting(
    '--length-schedule <tokens:share,...>',
    'lengths one after another, each for a share of the steps, e.g. 256:0.8,1024:0.2; the longest is the train length',
    stages,
  ),
  setting('--steps <n>', 'training steps', number),
  setting('--batch-size <rows>', 'sequences in a training step', number),
  setting('--batches <kind>', 'rows from anywhere in the text, or fairseq’s blocks in its order').choices(
    shape.batches.unwrap().options,
  ),
  setting('--devices <n>', 'of blocks: GPUs whose parts of a batch are shuffled as a whole', number),
  setting('--micro-batches <n>', 'parts of a step computed in turn, in less memory', number),
  setting('--num-layers <n>', 'transformer blocks', number),
  setting('--model-dim <n>', 'width of the model', number),
  setting('--num-heads <n>', 'attention heads; they divide the width', number),
  setting('--activation <name>', "of the MLP's hidden layer").choices(shape.activation.options),
  setting('--architecture <family>', 'norms, MLP and biases of another family (as in the paper)').choices(
    huggingFaceFamilies,
  ),
  setting('--final-norm', 'normalize the last layer’s output'),
  new Option('--no-final-norm', 'do not'),
  setting('--adaptive-cutoffs <words,...>', 'where bands of rarer words begin, with fewer dimensions', numbers),
  setting('--initialization <name>', 'where weights start').choices(shape.initialization.unwrap().options),
  setting('--dropout <rate>', 'share of activations dropped in training', number),
  setting('--attention-dropout <rate>', 'of attention weights (as --dropout)', number),
  setting('--activation-dropout <rate>', "of the MLP's hidden layer", number),
  setting('--tail-dropout <rate>', 'of what enters an adaptive softmax and its tails', number),
  setting('--random-positions <range>', 'draw positions from 0 to it, anew in every step', number),
  setting('--optimizer <name>', 'what takes the steps').choices(shape.optimizer.options),
  setting('--learning-rate <rate>', 'its peak', number),
  setting('--initial-learning-rate <rate>', 'where the warm-up begins (one step above 0)', number),
  setting('--min-learning-rate <rate>', 'where it ends', number),
  setting('--warmup-steps <n>', 'steps up to the peak', number),
  setting('--weight-decay <rate>', 'share of the weights taken away in a step, times the learning rate', number),
  setting('--clip-norm <norm>', 'longest gradient; longer ones are shortened to it', number),
  setting('--checkpoint-every <steps>', 'steps between checkpoints', number),
]

/** The settings that only a run of many cells has. */
export const cellsOptions = (): Option[] => [
  setting('--strategies <names>', `from ${strategyHelp}`, list),
  setting('--eval-lengths <tokens,...>', 'lengths to evaluate at', numbers),
  setting('--eval-tokens <n>', 'held-out tokens scored at each length', number),
  setting('--protocols <names>', 'from nonoverlapping, sliding, streaming', list),
  setting('--stride <tokens>', 'that sliding and streaming windows advance by (half)', number),
  setting('--windowed-control', 'beyond the train length also evaluate with attention limited to it'),
  new Option('--no-windowed-control', 'do not'),
  setting('--seeds <n,...>', 'each trains every strategy', numbers),
]

/** What was asked for on the command line, without what was not. A tokenizer's file is read. */
export async function givenConfig(options: Readonly<Record<string, unknown>>): Promise<RunOptions> {
  const settings = await tokenizerSettings(options.tokenizer as string | undefined)
  if (settings.tokenizerFile && options.vocabularySize !== undefined)
    throw new RangeError(
      `tokenizer: expected no --vocabulary-size with a tokenizer.json, which has ${settings.vocabularySize}, got ${options.vocabularySize}; leave it out`,
    )
  const given = Object.entries(options).filter(([key, value]) => ASKED.has(key) && value !== undefined)
  return { ...Object.fromEntries(given), ...settings }
}

const ASKED: ReadonlySet<string> = new Set(Object.keys(without(shape, 'from', 'tokenizerFile')))
