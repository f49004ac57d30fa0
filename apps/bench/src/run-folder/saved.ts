// The checkpoint of a cell is believed as far as it is the run's: its strategy, seed, steps and sizes.
import { rename, rm } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { cellName } from '@alibi/results'
import {
  type CheckpointInfo,
  hasCheckpoint,
  type Metadata,
  readCheckpointInfo,
  verifyCheckpoint,
} from '@alibi/transformer/node'
import { z } from 'zod'
import { type Cell, cellsOf } from '../config/cells.js'
import { modelConfig } from '../config/model.js'
import type { RunConfig } from '../config/schema.js'
import { optimizerConfig } from '../config/training.js'
import type { Corpus } from '../data/corpus.js'
import { tokenizerHash } from '../data/tokenizer/hugging-face.js'
import { restoreTokenizer } from '../data/tokenizer/restore.js'
import type { StoredTokenizer } from '../data/tokenizer/tokenizer.js'
import { checkpointFolder } from './layout.js'

const sum = z.number().min(0)
/** Sums since the last line of results: kept in checkpoints, so that a resumed run writes the same lines. */
export const windowSchema = z.object({
  lossNats: z.number(),
  steps: z.int().min(0),
  seconds: sum,
  /** Since step 0. */
  elapsedSeconds: sum,
})

const metadataSchema = z.object({ window: windowSchema.optional() })

/**
 * What the cell's checkpoint says.
 *
 * @param folder - of the run
 * @throws Error, one line with the way out, for one that is damaged or of another run
 */
export async function savedInfo(folder: string, config: RunConfig, cell: Cell): Promise<CheckpointInfo> {
  const checkpoint = checkpointFolder(folder, cell)
  const info = await readCheckpointInfo(checkpoint).catch((error: Error) => {
    throw withWayOut(error.message, cell)
  })
  // The vocabulary is the text's, which is not read yet.
  const sizes = modelConfig(config, info.config.vocabularySize)
  const got = { ...info.config, ...info.optimizer, strategy: info.strategy, seed: info.seed } as Readonly<
    Record<string, unknown>
  >
  for (const [name, want] of Object.entries({ ...cell, ...ABSENT, ...sizes, ...optimizerConfig(config) }))
    if (!isDeepStrictEqual(got[name], want))
      throw otherRun(checkpoint, cell, `${SETTINGS[name] ?? name} ${want}, as the run has it,`, got[name])
  const saved: Readonly<Record<string, unknown>> = { ...info.metadata, tokenizer: kindOf(info.metadata.tokenizer) }
  // Older versions did not keep all of them.
  for (const name of DECISIVE)
    if ((saved[name] !== undefined || ABSENT_BEFORE.has(name)) && !isDeepStrictEqual(saved[name], config[name]))
      throw otherRun(checkpoint, cell, `${name} ${shown(config[name])}, as the run has it,`, shown(saved[name]))
  const weights = fromOf(saved.from)
  if (weights !== config.from?.sha256)
    throw otherRun(checkpoint, cell, `from weights ${config.from?.sha256 ?? 'at random'}, as the run has it,`, weights)
  if (info.step > config.steps) throw otherRun(checkpoint, cell, `at most ${config.steps} steps`, info.step)
  if (!metadataSchema.safeParse(info.metadata).success)
    throw otherRun(
      checkpoint,
      cell,
      'metadata.window with sums since the last line',
      JSON.stringify(info.metadata.window),
    )
  return info
}

/** A setting that a run may lack: then its checkpoint has none either. */
const ABSENT = { initialLearningRate: undefined }

/** What the optimizer's settings are called in a run. */
const SETTINGS: Readonly<Record<string, string>> = { kind: 'optimizer', totalSteps: 'steps' }

/** Settings that decide how a model is trained, and are neither its own nor its optimizer's. */
const DECISIVE = [
  'trainLength',
  'lengthSchedule',
  'batchSize',
  'microBatches',
  'batches',
  'devices',
  'randomPositions',
  'pack',
  'tokenizer',
  'vocabularySize',
  'firstToken',
] as const

/** Those of them that checkpoints have always kept, if there were any. */
const ABSENT_BEFORE: ReadonlySet<string> = new Set(['randomPositions', 'lengthSchedule', 'pack'])

/** The weights that a model was trained on from. */
const fromOf = (saved: unknown) => z.object({ sha256: z.string() }).safeParse(saved).data?.sha256

const shown = (value: unknown) => (value instanceof Object ? JSON.stringify(value) : value)

/** What a stored tokenizer is called as a setting. */
function kindOf(tokenizer: Metadata[string] | undefined): string | undefined {
  const { kind, prose } = (tokenizer ?? {}) as { readonly kind?: string; readonly prose?: boolean }
  return prose ? 'prose' : kind
}

/**
 * Refuses a text that differs from the one that cells were trained on, before more are trained.
 *
 * @throws Error, one line
 */
export async function expectSameText(
  folder: string,
  config: RunConfig,
  { hash, description }: Pick<Corpus, 'hash' | 'description'>,
): Promise<void> {
  for (const cell of cellsOf(config)) {
    if (!hasCheckpoint(checkpointFolder(folder, cell))) continue
    const { text } = (await savedInfo(folder, config, cell)).metadata
    if (text !== undefined && text !== hash)
      throw new Error(
        `run: expected data with the text that ${cellName(cell)} was trained on, got another from ${description}; restore it, or take another --out`,
      )
  }
}

/**
 * The tokenizer of a file that the run's checkpoints keep; undefined where there is none yet.
 *
 * @throws Error, one line, for another than the run was begun with
 */
export async function savedTokenizer(folder: string, config: RunConfig): Promise<StoredTokenizer | undefined> {
  const cell = cellsOf(config).find((each) => hasCheckpoint(checkpointFolder(folder, each)))
  if (!cell) return undefined
  const tokenizer = restoreTokenizer((await savedInfo(folder, config, cell)).metadata.tokenizer)
  const [wanted, saved] = [config.tokenizerFile?.sha256, tokenizerHash(tokenizer)]
  if (saved !== wanted)
    throw otherRun(
      checkpointFolder(folder, cell),
      cell,
      `a tokenizer with the hash ${wanted}, as the run has it,`,
      saved,
    )
  return tokenizer
}

/** Steps of the cell's checkpoint. */
export async function stepsDone(folder: string, config: RunConfig, cell: Cell): Promise<number> {
  return hasCheckpoint(checkpointFolder(folder, cell)) ? (await savedInfo(folder, config, cell)).step : 0
}

/**
 * Puts checkpoints that cannot be resumed aside, as `<name>.damaged`: their models are trained anew.
 *
 * @param log - receives which, and why
 */
export async function setDamagedAside(folder: string, config: RunConfig, log: (line: string) => void): Promise<void> {
  for (const cell of cellsOf(config)) {
    const checkpoint = checkpointFolder(folder, cell)
    if (!hasCheckpoint(checkpoint)) continue
    try {
      await verifyCheckpoint(checkpoint)
      await savedInfo(folder, config, cell)
    } catch (error) {
      const aside = `${checkpoint}.damaged`
      await rm(aside, { recursive: true, force: true })
      await rename(checkpoint, aside)
      await rm(`${checkpoint}.previous`, { recursive: true, force: true })
      log(`${cellName(cell)} is trained anew; its checkpoint is now ${aside}: ${(error as Error).message}`)
    }
  }
}

const otherRun = (checkpoint: string, cell: Cell, expected: string, got: unknown) =>
  withWayOut(`checkpoint: expected ${expected} in ${checkpoint}, got ${got}; it is of another run or was changed`, cell)

/** @param message - of an error of the cell's checkpoint */
export const withWayOut = (message: string, cell: Cell): Error =>
  new Error(
    `${message}. With --resume --retrain (a sweep: --retry) ${cellName(cell)} is trained anew and the others are kept`,
  )
