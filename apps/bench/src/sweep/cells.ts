import { createHash } from 'node:crypto'
import type { BackendName } from '@alibi/backend'
import { type CellKey, cellId } from '@alibi/results'
import { type Cell, cellKey, cellsOf } from '../config/cells.js'
import type { RunConfig } from '../config/schema.js'
import { without } from '../config/without.js'
import type { Outcomes } from './messages.js'

/** One model of a sweep: a run with one strategy and one seed. */
export interface SweepCell {
  /** For people, then a hash of all that decides the cell's numbers: its folder's name. */
  readonly id: string
  readonly key: CellKey
  readonly config: RunConfig
}

/** Every cell, all strategies of a seed together. */
export function sweepCells({
  runs,
  texts,
  backend,
}: Pick<Outcomes['resolve'], 'runs' | 'texts' | 'backend'>): SweepCell[] {
  const cells = runs.flatMap((run, i) => cellsOf(run).map((cell) => sweepCell(run, cell, texts[i]!, backend.name)))
  const seeds = runs[0]!.seeds
  return seeds.flatMap((seed) => cells.filter(({ key }) => key.seed === seed))
}

function sweepCell(run: RunConfig, cell: Cell, text: string, backend: BackendName): SweepCell {
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
  // Where a text or a strategy lies, and what a preset is called, decides nothing.
  const decisive = without(config, 'preset', 'data', 'plugins')
  const hash = hashOf({ ...decisive, text, fingerprint: plugin?.fingerprint, backend })
  return { id: `${cellId(key)}-${hash}`, key, config }
}

/** A hash that does not depend on the order of the keys. */
function hashOf(value: Record<string, unknown>): string {
  const sorted = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('hex').slice(0, 10)
}
