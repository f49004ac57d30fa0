import { createHash } from 'node:crypto'
import type { BackendName } from '@alibi/backend'
import { type CellKey, cellId } from '@alibi/results'
import { type Cell, cellKey, cellsOf } from '../config/cells.js'
import type { RunConfig } from '../config/schema.js'
import { without } from '../config/without.js'
import type { Outcomes } from './messages.js'
import type { PlannedRun } from './plan-cells.js'

/** One model of a sweep: a run with one strategy and one seed. */
export interface SweepCell {
  /** For people, then a hash of all that decides the cell's numbers: its folder's name. */
  readonly id: string
  readonly key: CellKey
  readonly config: RunConfig
  /** A hash of its text's tokens. */
  readonly text: string
  /** The cell that it goes on from, and the positions in place of that one's. */
  readonly source?: { readonly cell: SweepCell; readonly positions?: string | undefined }
}

/** Every cell, all strategies of a seed together, and each after the one that it goes on from. */
export function sweepCells({
  runs,
  texts,
  backend,
}: Pick<Outcomes['resolve'], 'runs' | 'texts' | 'backend'>): SweepCell[] {
  const ofRuns: SweepCell[][] = []
  for (const [i, run] of runs.entries()) ofRuns.push(cellsOfRun(run, texts[i]!, backend.name, ofRuns))
  const cells = ofRuns.flat()
  const seeds = runs[0]!.seeds
  return seeds.flatMap((seed) => cells.filter(({ key }) => key.seed === seed))
}

/** @param before - the cells of the runs before it, by their places */
function cellsOfRun(
  { source, ...run }: PlannedRun,
  text: string,
  backend: BackendName,
  before: readonly (readonly SweepCell[])[],
): SweepCell[] {
  if (!source) return cellsOf(run).map((cell) => sweepCell(run, cell, { text, backend }))
  const { positions, origin } = source
  return cellsOf(run).map((cell) => {
    const { strategy: name } = before[source.run]![source.strategy]!.key
    const of = before[source.run]!.find(({ key }) => key.strategy === name && key.seed === cell.seed)!
    // Where a strategy of one's own lies decides nothing.
    const decisive = JSON.stringify(origin, (key, value) => (key === 'from' ? undefined : value))
    return {
      ...sweepCell(run, cell, { text, backend, source: of.id, origin: decisive }),
      source: { cell: of, positions },
    }
  })
}

/** @param more - that decides the cell's numbers besides its run */
function sweepCell(
  run: RunConfig,
  cell: Cell,
  more: Readonly<Record<string, unknown>> & { readonly text: string },
): SweepCell {
  const { strategy, seed } = cell
  const { plugins, variants, ...rest } = run
  const plugin = plugins?.[strategy]
  const variant = variants?.[strategy]
  const config = {
    ...rest,
    strategies: [strategy],
    seeds: [seed],
    ...(plugin && { plugins: { [strategy]: plugin } }),
    ...(variant && { variants: { [strategy]: variant } }),
  }
  const key = cellKey(cell, run)
  // Where a text, a tokenizer or a strategy lies, and what a preset is called, decides nothing.
  const decisive = without(config, 'preset', 'data', 'plugins', 'tokenizerFile')
  const hash = hashOf({ ...decisive, fingerprint: plugin?.fingerprint, ...more })
  return { id: `${cellId(key)}-${hash}`, key, config, text: more.text }
}

/** A hash that does not depend on the order of the keys. */
function hashOf(value: Record<string, unknown>): string {
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 10)
}
