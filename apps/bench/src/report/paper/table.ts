/** A table of the paper: Press, Smith and Lewis, ICLR 2022, arXiv 2108.12409v2. Null: not given, or out of memory. */
export interface PaperTable {
  /** As the paper counts, e.g. `13 to 15`. */
  readonly number: string
  readonly title: string
  /** Text and model. */
  readonly setting: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly (string | number | null)[])[]
}
