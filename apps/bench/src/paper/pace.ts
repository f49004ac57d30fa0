// Letters: L evalLength, N tokens, V vocabularySize.
import { alibi } from '@alibi/alibi'
import { seededRandom } from '@alibi/core'
import { type Model, modelFromArrays, type ResolvedModelConfig } from '@alibi/transformer'
import * as tf from '@tensorflow/tfjs'
import { type PaperCell, tokensReadFor } from './cells.js'

/** Seconds that a cell takes here. */
export type Pace = (cell: PaperCell, tokens: number) => number

/** Tokens of a measured pass, at least one sequence: as evaluation reads them. */
const READ = 4096
/** Tokens whose losses are measured. */
const SCORED = 1024
/** One token in so many is in each tail. */
const TAIL = 8

/**
 * Measures what a layer, the tables and the losses of a model take on the selected backend, on one and two layers with random
 * weights; at two lengths, as attention's part of a token grows with the length.
 *
 * @param config - of the whole model
 * @param lengths - that cells are read at
 */
export async function measurePace(config: ResolvedModelConfig, lengths: readonly number[]): Promise<Pace> {
  const [short, long] = [Math.min(...lengths), Math.max(...lengths)]
  const [one, two] = [await thinModel(config, 1), await thinModel(config, 2)]
  try {
    const perToken = async (length: number) => {
      const [first, second] = [await secondsOfPass(one, length), await secondsOfPass(two, length)]
      // Where a pass is so short that clocks do not tell, the second layer may look free.
      const layer = Math.max(0, second - first)
      return Math.max(0, first - layer) + config.numLayers * layer
    }
    const [atShort, scored] = [await perToken(short), await secondsOfLosses(one)]
    const slope = long === short ? 0 : ((await perToken(long)) - atShort) / (long - short)
    return (cell, tokens) => {
      const read = Math.max(0, atShort + slope * (cell.evalLength - short))
      return tokensReadFor(cell, tokens) * read + tokens * scored
    }
  } finally {
    one.dispose()
    two.dispose()
  }
}

/** The model with fewer layers; random weights, as attention leaves out more keys where scores are all the same. */
function thinModel(config: ResolvedModelConfig, numLayers: number): Promise<Model> {
  const random = seededRandom(1)
  return modelFromArrays({ ...config, numLayers }, alibi({ numHeads: config.numHeads }), async (_, shape) =>
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 0.04 * random() - 0.02),
  )
}

/** Seconds a token of a pass over sequences of this length. */
async function secondsOfPass(model: Model, length: number): Promise<number> {
  const random = seededRandom(2)
  const row = () => Int32Array.from({ length }, () => Math.floor(random() * model.config.vocabularySize))
  const rows = Array.from({ length: Math.max(1, Math.floor(READ / length)) }, row)
  return (await best(() => model.forward(rows))) / (rows.length * length)
}

/** Seconds a token's loss, over frequent tokens and some of each tail. */
async function secondsOfLosses({ config, vocabulary }: Model): Promise<number> {
  const starts = [0, ...config.adaptiveCutoffs]
  const targets = Int32Array.from({ length: SCORED }, (_, i) => starts[i % TAIL] ?? 0)
  const seconds = await best(() =>
    tf.tidy(() =>
      vocabulary.losses(
        tf.zeros([SCORED, config.modelDim]),
        tf.tensor1d(targets, 'int32'),
        vocabulary.tailPlaces(targets).map((places) => tf.tensor1d(places, 'int32')),
      ),
    ),
  )
  return seconds / SCORED
}

/** The shorter of two: the first one also allocates. */
async function best(make: () => tf.Tensor): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < 2; i++) {
    const started = performance.now()
    const made = make()
    await made.data().finally(() => made.dispose())
    times.push((performance.now() - started) / 1000)
  }
  return Math.min(...times)
}
