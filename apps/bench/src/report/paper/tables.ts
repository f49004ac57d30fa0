import type { PaperTable } from './table.js'
import { lengthTables } from './tables/lengths.js'
import { otherTables } from './tables/other-texts.js'
import { wikitextTables } from './tables/wikitext.js'

/** Every table of the paper, in its order. */
export const paperTables: readonly PaperTable[] = [...lengthTables, ...wikitextTables, ...otherTables].sort(
  (a, b) => Number.parseInt(a.number, 10) - Number.parseInt(b.number, 10),
)
