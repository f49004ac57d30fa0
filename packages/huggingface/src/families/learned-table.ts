import { type PositionStrategy, reference } from '@alibi/core'
import { hasOnly } from './has-only.js'

/**
 * How many positions a learned table has.
 *
 * @param offset - rows before that of position 0
 * @throws Error, one line, for a strategy that is no such table
 */
export function positionsOfTable(strategy: PositionStrategy, offset: number, family: string): number {
  const { name, embedding, maxPositions, parameters = {} } = strategy
  const [rows = 0, columns = 0] = parameters.table?.shape ?? []
  if (!hasOnly(strategy, 'embedding') || Object.keys(parameters).length !== 1 || maxPositions === undefined || !rows)
    throw new Error(`saveHuggingFace: expected a learned table of positions for ${family}, got ${name}`)
  // A table whose rows are their own numbers shows which of them is read.
  const table = reference.tensor(
    Float64Array.from({ length: rows * columns }, (_, i) => Math.floor(i / columns)),
    [rows, columns],
  )
  const read = embedding!.evaluate(reference, { table }, Int32Array.of(0, maxPositions - 1)).data
  if (rows !== maxPositions + offset || !read.every((row, i) => row === offset + (i < columns ? 0 : maxPositions - 1)))
    throw new Error(
      `saveHuggingFace: expected a table of positions with an offset of ${offset} for ${family}, got ${rows} rows for ${maxPositions} positions of ${name}; make it with learned({ offset: ${offset} })`,
    )
  return maxPositions
}
