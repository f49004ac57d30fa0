import { dashOf, type Style, stylesOf } from '@alibi/charts'
import type { CellKey } from '@alibi/results'
import { thousands } from '../terminal/format.js'
import type { WatchedCell } from './cell.js'
import type { WatchedState } from './cell-state.js'
import { meanCurve, type Point } from './curves.js'

/** A cell and how far it is. */
export interface StatedCell extends WatchedCell {
  readonly state: WatchedState['state']
}

export interface WatchedCurve {
  readonly name: string
  readonly style: Style
  readonly points: readonly Point[]
}

/** Nobody can distinguish more curves than this in one picture. */
const MOST_CURVES = 12

/**
 * The curves of cells of one train length: one each while they are few. Of many, the finished seeds of a strategy are one, their
 * mean, so that no point is of other seeds than the next; those that are not finished have one each, the ones at work first.
 */
export function chooseCurves(
  cells: readonly StatedCell[],
  pointsOf: (cell: StatedCell) => readonly Point[],
): readonly WatchedCurve[] {
  const rowOf = rowNames(cells)
  const styles = stylesOf([...new Set(cells.map(({ key }) => rowOf(key)))])
  const drawn = cells.flatMap((cell) => {
    const points = pointsOf(cell).filter(({ y }) => Number.isFinite(y))
    return points.length ? [{ cell, points }] : []
  })
  const several = new Set(cells.map(({ key }) => key.seed)).size > 1
  const seeds = new Map([...new Set(drawn.map(({ cell }) => cell.key.seed))].map((seed, i) => [seed, i]))
  const single = ({ cell, points }: (typeof drawn)[number]): WatchedCurve => {
    const row = rowOf(cell.key)
    // A strategy keeps its colour and its symbol; its seeds differ in their dashes.
    const style = { ...styles.get(row)!, ...(several && { dash: dashOf(seeds.get(cell.key.seed)!) }) }
    return { name: several ? `${row} seed ${cell.key.seed}` : row, style, points }
  }
  if (drawn.length <= MOST_CURVES) return drawn.map(single)
  const rows = new Map<string, (typeof drawn)[number][]>()
  for (const each of drawn) {
    if (each.cell.state !== 'finished') continue
    const row = rowOf(each.cell.key)
    const own = rows.get(row)
    if (own) own.push(each)
    else rows.set(row, [each])
  }
  const means = [...rows].map(([row, own]) => ({
    name: own.length > 1 ? `${row}, ${thousands(own.length)} seeds` : `${row} seed ${own[0]!.cell.key.seed}`,
    style: styles.get(row)!,
    points: own.length > 1 ? meanCurve(own.map(({ points }) => points)) : own[0]!.points,
  }))
  const isWorking = ({ cell: { state } }: (typeof drawn)[number]) => state === 'training' || state === 'evaluating'
  const others = drawn
    .filter(({ cell }) => cell.state !== 'finished')
    .sort((a, b) => Number(isWorking(b)) - Number(isWorking(a)))
  return [...means, ...others.slice(0, MOST_CURVES).map(single)]
}

/** What a strategy is called among cells: with its size where there are several. */
function rowNames(cells: readonly WatchedCell[]): (key: CellKey) => string {
  const several = new Set(cells.map(({ key }) => key.size)).size > 1
  return ({ strategy, size }) => (several ? `${strategy} ${size}` : strategy)
}
