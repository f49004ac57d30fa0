import { extentOf } from '@alibi/charts'
import type { TrainLine } from '@alibi/results'

export interface Point {
  readonly x: number
  readonly y: number
  /** The lowest of the values that y is the mean of. */
  readonly low: number
  /** The highest of them. */
  readonly high: number
}

/** What a screen has room for, and a browser's memory. */
const MOST_POINTS = 200

/** Every how many lines a point is drawn, so that the longest of several cells fits: a power of two, so that it seldom changes. */
export const pointsEvery = (longest: number): number => 2 ** Math.max(0, Math.ceil(Math.log2(longest / MOST_POINTS)))

/**
 * A number of training lines by step, each point the mean of the last lines up to it, weighted by their steps: never of later
 * ones, and no point is drawn elsewhere than where it ends.
 *
 * @param lines - of one cell, in order
 * @param last - how many at most; 1 leaves them as they are
 * @param every - lines from a point to the next, at most as many as it is a mean of; the last line has one too
 */
export function meanOfLast(
  lines: readonly TrainLine[],
  of: (line: TrainLine) => number,
  last: number,
  every = 1,
): Point[] {
  const points: Point[] = []
  for (const [i, { step }] of lines.entries()) {
    if ((i + 1) % every && i + 1 < lines.length) continue
    let steps = 0
    let sum = 0
    const values: number[] = []
    for (let j = Math.max(0, i + 1 - last); j <= i; j++) {
      const own = lines[j]!.step - (lines[j - 1]?.step ?? 0)
      values.push(of(lines[j]!))
      steps += own
      sum += own * values.at(-1)!
    }
    const [low, high] = extentOf(values)
    points.push({ x: step, y: sum / steps, low, high })
  }
  return points
}

/** The mean of several curves at each x that any of them has, between the lowest and the highest of them. */
export function meanCurve(curves: readonly (readonly Point[])[]): Point[] {
  const at = new Map<number, { sum: number; count: number; low: number; high: number }>()
  for (const points of curves)
    for (const { x, y } of points) {
      const own = at.get(x)
      if (!own) at.set(x, { sum: y, count: 1, low: y, high: y })
      else {
        own.sum += y
        own.count += 1
        own.low = Math.min(own.low, y)
        own.high = Math.max(own.high, y)
      }
    }
  return [...at].map(([x, { sum, count, low, high }]) => ({ x, y: sum / count, low, high })).sort((a, b) => a.x - b.x)
}
