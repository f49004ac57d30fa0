// Letters: B batch, H heads, L tokens.
import { type ReferenceTensor, reference } from '../reference.js'
import type { PositionStrategy, ScoreRows } from '../strategy.js'
import type { Check } from './check.js'
import { type Axis, expectEqual, expectFinite, expectShape } from './expect.js'
import { scoreRows, variedParameters } from './inputs.js'

type Rows = ScoreRows<ReferenceTensor>

const hasRewrite: Check['applies'] = ({ scores }) => scores !== undefined

/** What the strategy makes of rows, of the keys that are seen; 0 elsewhere, where it may be anything. */
function rewritten(strategy: PositionStrategy, rows: Rows): ReferenceTensor {
  const value = strategy.scores!.evaluate(reference, variedParameters(strategy), rows)
  expectShape('rewritten scores', value, rows.shape)
  const seen = reference.mul(reference.tensor(new Float64Array(value.data.length).fill(1), value.shape), rows.visible)
  return { shape: value.shape, data: value.data.map((score, i) => (seen.data[i] ? score : 0)) }
}

const axes = ({ queries, keys }: Rows): readonly Axis[] => [['row'], ['head'], ['query', queries], ['key', keys]]

/** The last `count` queries of the rows. */
function lastQueries(rows: Rows, count: number): Rows {
  const L = rows.queries.length
  const last = Int32Array.from({ length: count }, (_, i) => L - count + i)
  const cut = (x: ReferenceTensor) => reference.gather(x, last, 2)
  const [B, H, , K] = rows.shape
  return {
    ...rows,
    scores: cut(rows.scores),
    q: cut(rows.q),
    visible: cut(rows.visible),
    queries: rows.queries.subarray(L - count),
    shape: [B, H, count, K],
  }
}

/** The rows with other scores of the keys that are not seen. */
function othersChanged(rows: Rows): Rows {
  const seen = reference.mul(
    reference.tensor(new Float64Array(rows.scores.data.length).fill(1), rows.shape),
    rows.visible,
  )
  const data = rows.scores.data.map((score, i) => (seen.data[i] ? score : 5 - 3 * score))
  return { ...rows, scores: { shape: rows.shape, data } }
}

export const rewriteChecks: readonly Check[] = [
  {
    name: 'makes finite scores of scores, also of large ones',
    applies: hasRewrite,
    run(strategy) {
      const rows = scoreRows(reference, strategy)
      for (const factor of [1, 40]) {
        const scores = reference.mul(rows.scores, reference.tensor([factor], [1]))
        expectFinite(`rewritten scores of up to ±${factor}`, rewritten(strategy, { ...rows, scores }), axes(rows))
      }
    },
  },
  {
    name: 'makes the scores of a query whatever the others with it',
    applies: hasRewrite,
    run(strategy) {
      const rows = scoreRows(reference, strategy)
      const L = rows.queries.length
      const whole = rewritten(strategy, rows)
      for (const count of new Set([1, Math.ceil(L / 3)])) {
        const tile = lastQueries(rows, count)
        const last = Int32Array.from({ length: count }, (_, i) => L - count + i)
        expectEqual(rewritten(strategy, tile), {
          what: `the scores of the last ${count === 1 ? 'query' : 'queries'} as in the whole`,
          want: reference.gather(whole, last, 2),
          axes: axes(tile),
          otherwise: () => 'it reads the other queries of the call, or takes the first query for the first token',
        })
      }
    },
  },
  {
    name: 'makes scores of the keys that a query sees, and of no other',
    applies: hasRewrite,
    run(strategy) {
      const rows = scoreRows(reference, strategy)
      expectEqual(rewritten(strategy, othersChanged(rows)), {
        what: 'the scores of keys that are seen, whatever those of the others',
        want: rewritten(strategy, rows),
        axes: axes(rows),
        otherwise: () => 'it reads keys that the query does not see: multiply by rows.visible before summing over keys',
      })
    },
  },
  {
    name: 'makes the scores of a row of a batch whatever the other rows',
    applies: hasRewrite,
    run(strategy) {
      const rows = scoreRows(reference, strategy)
      const [, H, Q, K] = rows.shape
      const second = Int32Array.of(1)
      const of = (x: ReferenceTensor) => reference.gather(x, second, 0)
      const alone = { ...rows, scores: of(rows.scores), q: of(rows.q), k: of(rows.k), shape: [1, H, Q, K] as const }
      expectEqual(rewritten(strategy, alone), {
        what: 'the scores of a row alone as in a batch',
        want: of(rewritten(strategy, rows)),
        axes: axes(rows),
        otherwise: () => 'it reads the other rows of the batch',
      })
    },
  },
  {
    name: 'has a finite sink logit for each head',
    applies: ({ sink }) => sink !== undefined,
    run(strategy) {
      const value = strategy.sink!.evaluate(reference, variedParameters(strategy))
      expectShape('sink logits', value, [strategy.sink!.numHeads])
      expectFinite('sink logits', value, [['head']])
    },
  },
]
