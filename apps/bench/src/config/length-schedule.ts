import type { RunConfig } from './schema.js'

/** A stretch of training with sequences of one length. */
interface Stage {
  /** Tokens in a training sequence. */
  readonly length: number
  /** Rows of a step: as many tokens in every stage. */
  readonly rows: number
  /** The step before which it ends. */
  readonly end: number
}

type Scheduled = Pick<RunConfig, 'lengthSchedule' | 'trainLength' | 'batchSize' | 'steps'>

/** The stages of a run; one without a length schedule has a single one. */
export function stagesOf({ lengthSchedule, trainLength, batchSize, steps }: Scheduled): Stage[] {
  let share = 0
  return (lengthSchedule ?? [{ length: trainLength, share: 1 }]).map(({ length, share: own }) => {
    share += own
    return { length, rows: (batchSize * trainLength) / length, end: Math.round(share * steps) }
  })
}

/** The stage that a step belongs to. */
export const stageAt = (stages: readonly Stage[], step: number): Stage =>
  stages.find(({ end }) => step < end) ?? stages.at(-1)!

/** Shares are decimal fractions: their sum is not exactly 1. */
const ROUNDING = 1e-6

/** @throws RangeError, one line, for a schedule that no run can have */
export function checkLengthSchedule(config: RunConfig, where: string): void {
  const { lengthSchedule, trainLength, microBatches, batches } = config
  if (!lengthSchedule) return
  const refuse = (expected: string, got: unknown): never => {
    throw new RangeError(`${where}: expected ${expected} in a length schedule, got ${got}`)
  }
  const shares = lengthSchedule.reduce((sum, { share }) => sum + share, 0)
  if (Math.abs(shares - 1) > ROUNDING) refuse('shares that add up to 1', Number(shares.toFixed(6)))
  const longest = Math.max(...lengthSchedule.map(({ length }) => length))
  if (longest !== trainLength) refuse(`the train length ${trainLength} as the longest length`, longest)
  const same = lengthSchedule.find(({ length }, i) => length === lengthSchedule[i - 1]?.length)
  if (same) refuse('another length in each stage', `${same.length} twice in a row`)
  if (batches === 'blocks') refuse('batches anywhere', 'blocks, which are cut once')
  let begin = 0
  for (const { length, rows, end } of stagesOf(config)) {
    if (!Number.isInteger(rows) || rows % microBatches)
      refuse(
        `lengths that cut the ${config.batchSize * trainLength} tokens of a step into whole rows${microBatches > 1 ? `, ${microBatches} or a multiple of them` : ''}`,
        length,
      )
    if (end <= begin) refuse(`a step or more for each stage of ${config.steps} steps`, `none at ${length}`)
    begin = end
  }
}

/** As the command line has it: `256:0.8,1024:0.2`. */
export const lengthScheduleText = (schedule: NonNullable<RunConfig['lengthSchedule']>): string =>
  schedule.map(({ length, share }) => `${length}:${share}`).join(',')

/**
 * Work of a token in training, in proportion: that of its products with weights, and with the keys before it.
 *
 * @returns the mean over all steps, by that of the first
 */
export function meanWork(config: Scheduled & Pick<RunConfig, 'modelDim'>): number {
  const work = (length: number) => 12 * config.modelDim + length
  const stages = config.lengthSchedule ?? [{ length: config.trainLength, share: 1 }]
  return stages.reduce((sum, { length, share }) => sum + share * work(length), 0) / work(stages[0]!.length)
}
