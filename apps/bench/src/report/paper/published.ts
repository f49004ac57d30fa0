import { paperTables } from './tables.js'

/** One perplexity that the paper publishes, of its WikiText-103 model on validation text. */
export interface Published {
  readonly table: string
  readonly strategy: string
  readonly trainLength: number
  readonly evalLength: number
  /** Tokens between windows; undefined: chunks do not overlap. */
  readonly stride: number | undefined
  readonly perplexity: number
}

const TRAIN_LENGTHS: Record<string, number> = { '2': 512, '3': 1024, '4': 3072 }

/** Tables 2 to 5 and 13 to 15. */
export const published: readonly Published[] = paperTables.flatMap(({ number, head, rows }) => {
  const trainLength = TRAIN_LENGTHS[number]
  if (trainLength !== undefined)
    return rows.flatMap(([length, ...cells]) =>
      cells.flatMap((perplexity, i) => {
        const strategy = head[i + 1]!
        if (strategy.includes(',') || typeof perplexity !== 'number') return []
        return [{ table: number, strategy, trainLength, evalLength: Number(length), stride: undefined, perplexity }]
      }),
    )
  if (number !== '5' && number !== '13 to 15') return []
  return rows.flatMap(([strategy, trained, ...cells]) =>
    cells.flatMap((perplexity, i) => {
      const evalLength = Number(head[i + 2])
      const trainLength = typeof trained === 'number' ? trained : evalLength
      const stride = number === '5' ? undefined : 1
      if (typeof perplexity !== 'number') return []
      return [{ table: number, strategy: String(strategy), trainLength, evalLength, stride, perplexity }]
    }),
  )
})
