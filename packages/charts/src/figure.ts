import type { Format } from './render.js'

/** A picture of the report with all that stands for it where it cannot be seen. */
export interface Figure {
  /** Of its element and files, e.g. `perplexity-256`. */
  readonly id: string
  readonly title: string
  /** What it shows and how to read it. */
  readonly caption: string
  /** What the picture says, in words. */
  readonly description: string
  /** The numbers of the picture; a first column of what the rows are. */
  readonly table: { readonly head: readonly string[]; readonly body: readonly (readonly string[])[] }
  /** Width / height on a wide page. */
  readonly aspect: number
  readonly draw: (format: Format) => string
}

/** Rows of x values by curves, in the order of the curves' points. */
export function curvesTable<X extends number>(
  head: string,
  xs: readonly X[],
  names: readonly string[],
  cell: (x: X, name: number) => string,
  formatX: (x: X) => string,
): Figure['table'] {
  return { head: [head, ...names], body: xs.map((x) => [formatX(x), ...names.map((_, i) => cell(x, i))]) }
}
