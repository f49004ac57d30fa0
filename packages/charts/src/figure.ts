import type { Format } from './render.js'
import type { Tags } from './tags.js'

/** A picture of the report with all that stands for it where it cannot be seen. */
export interface Figure {
  /** Names its element and its files, e.g. `perplexity-256`. */
  readonly id: string
  readonly title: string
  /** What it shows and how to read it. */
  readonly caption: string
  /** What the picture says, in words. */
  readonly description: string
  readonly table: FigureTable
  /** Small multiples, which share both axes; most figures have one. */
  readonly panels: readonly Panel[]
  /** Width / height of a panel on a wide page. */
  readonly aspect: number
  /** Set where the figure is about one row alone. */
  readonly tags?: Tags
}

/** One of the pictures of a figure. */
export interface Panel {
  readonly tags?: Tags
  readonly draw: (format: Format) => string
}

/** The numbers of the picture; a first column of what the rows are. */
export interface FigureTable {
  readonly head: readonly Cell[]
  readonly body: readonly (readonly Cell[])[]
}

export type Cell = string | TaggedCell

interface TaggedCell {
  readonly text: string
  /** More about the value, for whoever points at it: its spread and seeds. */
  readonly note?: string | undefined
  /** In the head: of the column. In the first column: of the row. */
  readonly tags?: Tags
}

/** Rows of x values by curves, in the order of the curves' points. */
export function curvesTable<X extends number>(
  head: string,
  xs: readonly X[],
  curves: readonly (string | { readonly name: string; readonly tags?: Tags })[],
  cell: (x: X, curve: number) => Cell,
  formatX: (x: X) => string,
): FigureTable {
  const heads = curves.map((curve) =>
    typeof curve === 'string' ? curve : { text: curve.name, ...(curve.tags && { tags: curve.tags }) },
  )
  return { head: [head, ...heads], body: xs.map((x) => [formatX(x), ...curves.map((_, i) => cell(x, i))]) }
}
