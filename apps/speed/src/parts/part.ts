import type { Compared } from '../steps/compare.js'
import type { Size } from '../steps/contestant.js'

/** What all parts are told. */
interface Setting {
  readonly rounds: number
  readonly python: string
  /** GFLOP/s of a large product, measured just before. */
  readonly ceiling: number
  log(line: string): void
  /** Lines of a table. */
  print(lines: readonly string[]): void
}

/** One of the things that `pnpm speed` measures, in some minutes of its own. */
export interface Part {
  readonly name: string
  /** What it measures, for --help. */
  readonly what: string
  /** @returns what is written to JSON */
  run(setting: Setting): Promise<object>
}

/** What a comparison at one size writes. */
export interface Comparison extends Compared {
  readonly size: Size
}

/** The model that is compared. */
export const model = { layers: 4, dim: 256, heads: 8, vocabulary: 512 }
