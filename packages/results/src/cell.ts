import { groupBy } from './group.js'

/** What identifies a trained model among the lines of any number of runs. */
export interface CellKey {
  /** Name of the position strategy. */
  readonly strategy: string
  /** Tokens in a training sequence. */
  readonly trainLength: number
  /** The seed of weights, batches and dropout. */
  readonly seed: number
  /** The model's size: see {@link modelSize}. */
  readonly size: string
  /** The name of the task that it was trained on. Absent: a text. */
  readonly trainedOn?: string | undefined
}

/** What a model's size is said by. */
export interface ModelShape {
  /** Transformer blocks. */
  readonly numLayers: number
  /** Features of a token. */
  readonly modelDim: number
  /** Attention heads of a layer. */
  readonly numHeads: number
}

/**
 * Layers × model dimension × heads, e.g. `4x128x4`, and a family's name if the model is built like that.
 *
 * @param architecture - of Hugging Face transformers, e.g. `llama`
 */
export const modelSize = ({ numLayers, modelDim, numHeads }: ModelShape, architecture?: string): string =>
  [`${numLayers}x${modelDim}x${numHeads}`, ...(architecture ? [architecture] : [])].join(' ')

/** Among the cells of one run, e.g. `alibi-seed1`. */
export const cellName = ({ strategy, seed }: Pick<CellKey, 'strategy' | 'seed'>): string => `${strategy}-seed${seed}`

/** The id of a cell among those of any number of runs, e.g. `alibi-L128-4x128x4-seed1`, `alibi@addition-L32-2x64x4-seed1`. */
export const cellId = ({ strategy, trainedOn, trainLength, size, seed }: CellKey): string =>
  `${strategy}${trainedOn === undefined ? '' : `@${trainedOn}`}-L${trainLength}-${size}-seed${seed}`

/** The name of a cell for people, e.g. `alibi L128 seed1`, `alibi addition L32 seed1`. */
export const describeCell = ({ strategy, trainedOn, trainLength, seed }: Omit<CellKey, 'size'>): string =>
  [strategy, ...(trainedOn === undefined ? [] : [trainedOn]), `L${trainLength}`, `seed${seed}`].join(' ')

/** Whether a line is about the cell. */
export const isCell = (line: CellKey, cell: CellKey): boolean =>
  line.strategy === cell.strategy &&
  line.trainLength === cell.trainLength &&
  line.seed === cell.seed &&
  line.size === cell.size &&
  line.trainedOn === cell.trainedOn

/** Lines by cell, in the order in which cells come first. */
export const groupByCell = <L extends CellKey>(lines: readonly L[]): L[][] => [...groupBy(lines, cellId).values()]
