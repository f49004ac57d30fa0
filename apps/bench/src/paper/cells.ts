import { published } from '../report/paper/published.js'
import { paperTables } from '../report/paper/tables.js'

/** One perplexity of the paper that a published checkpoint gives: a cell of one of its tables. */
export interface PaperCell {
  /** As the paper counts, e.g. `13 to 15`. */
  readonly table: string
  readonly part: Part
  /** The checkpoint's train length. */
  readonly trainLength: number
  readonly evalLength: number
  /** Tokens between windows; evalLength where they do not overlap. */
  readonly stride: number
  /** The paper's. */
  readonly perplexity: number
}

/** A part of WikiText-103. */
export type Part = 'valid' | 'test'

/** Tokens of each part with the ends of lines, all of which are scored. */
export const PART_TOKENS: Readonly<Record<Part, number>> = { valid: 217_646, test: 245_569 }

/** Train lengths of the checkpoints that the authors published. */
const TRAIN_LENGTHS: readonly number[] = [64, 128, 256, 512, 1024, 1536, 2048, 3072]

/** The tables that the published checkpoints fill, as the paper counts; 13 to 15 are one here. */
export const TABLES: readonly string[] = ['2', '5', '7', '13 to 15']

/** Table 7 has what was trained and read at in its rows' names; windows advance by this many tokens. */
const TABLE_7 = { evalLength: 3072, stride: 512 }

/** Every cell, table after table: those of ALiBi, which the checkpoints have. */
export const paperCells: readonly PaperCell[] = [
  ...published.flatMap(({ table, strategy, trainLength, evalLength, stride = evalLength, perplexity }) =>
    strategy === 'alibi' && TABLES.includes(table)
      ? [{ table, part: 'valid' as const, trainLength, evalLength, stride, perplexity }]
      : [],
  ),
  ...paperTables
    .find(({ number }) => number === '7')!
    .rows.flatMap(([model, valid, test]) => {
      const trainLength = Number(/^alibi (\d+)/.exec(String(model))?.[1])
      if (!trainLength) return []
      const cell = { table: '7', trainLength, ...TABLE_7 }
      return [
        { ...cell, part: 'valid' as const, perplexity: Number(valid) },
        { ...cell, part: 'test' as const, perplexity: Number(test) },
      ]
    }),
].sort((a, b) => TABLES.indexOf(a.table) - TABLES.indexOf(b.table))

/**
 * The cells that were asked for.
 *
 * @param tables - numbers, `13`, `14` and `15` among them; default all
 * @param rows - train lengths; default all
 * @throws RangeError, one line, for a table or row that there is not
 */
export function chooseCells(tables: readonly string[] = TABLES, rows: readonly number[] = TRAIN_LENGTHS): PaperCell[] {
  const names = tables.map((table) => (/^1[345]$/.test(table) ? '13 to 15' : table))
  const wrong = names.find((name) => !TABLES.includes(name))
  if (wrong !== undefined)
    throw new RangeError(`paper: expected tables from 2, 5, 7, 13, 14, 15, which the checkpoints fill, got ${wrong}`)
  const missing = rows.find((row) => !TRAIN_LENGTHS.includes(row))
  if (missing !== undefined)
    throw new RangeError(`paper: expected rows from the train lengths ${TRAIN_LENGTHS.join(', ')}, got ${missing}`)
  const cells = paperCells.filter(({ table, trainLength }) => names.includes(table) && rows.includes(trainLength))
  if (!cells.length)
    throw new RangeError(`paper: expected rows that table ${tables.join(', ')} has, got ${rows.join(', ')}`)
  return cells
}

/** Whether two cells are one number, perhaps of two tables. */
export const isSameCell = (a: Omit<PaperCell, 'table' | 'perplexity'>, b: Omit<PaperCell, 'table' | 'perplexity'>) =>
  a.part === b.part && a.trainLength === b.trainLength && a.evalLength === b.evalLength && a.stride === b.stride

/** Tokens that a model reads for a cell, those read again included. */
export const tokensReadFor = ({ evalLength, stride }: PaperCell, tokens: number): number =>
  stride === evalLength ? tokens : Math.ceil(tokens / stride) * evalLength
