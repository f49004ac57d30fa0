import type { TrainLine } from '@alibi/results'

export interface Point {
  readonly x: number
  readonly y: number
  /** Of what y is a mean of. */
  readonly low: number
  readonly high: number
}

/**
 * Training loss by step, each point the mean of the last lines up to it, weighted by their steps: never of later ones, and
 * no point is drawn elsewhere than where it ends.
 *
 * @param lines - of one cell, in order
 * @param last - how many at most; 1 leaves them as they are
 */
export function meanLoss(lines: readonly TrainLine[], last: number): Point[] {
  const losses = lines.map(({ step, lossNats }, i) => ({ steps: step - (lines[i - 1]?.step ?? 0), lossNats }))
  return lines.map(({ step }, i) => {
    const own = losses.slice(Math.max(0, i + 1 - last), i + 1)
    const steps = own.reduce((sum, line) => sum + line.steps, 0)
    const values = own.map(({ lossNats }) => lossNats)
    const y = own.reduce((sum, line) => sum + line.lossNats * line.steps, 0) / steps
    return { x: step, y, low: Math.min(...values), high: Math.max(...values) }
  })
}
