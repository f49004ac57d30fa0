// Letters: B batch, H heads, L tokens.
import { type ReferenceTensor, reference } from '../reference.js'
import type { PositionStrategy, ScoreRows } from '../strategy.js'
import type { Check } from './check.js'
import { type Axis, expectEqual, expectFinite, expectShape } from './expect.js'
import { scoreRows, variedParameters } from './inputs.js'

type Rows = ScoreRows<ReferenceTensor>

const hasRewrite: Check['applies'] = ({ scores }) => scores !== undefined

/** The scores of visible keys, and 0 for the others, whose scores may be any finite number. */
function ofSeen(rows: Rows, value: ReferenceTensor): ReferenceTensor {
  expectShape('rewritten scores', value, rows.shape)
  return { shape: value.shape, data: value.data.map((score, flat) => (isSeen(rows, flat) ? score : 0)) }
}

const rewritten = (strategy: PositionStrategy, rows: Rows) =>
  ofSeen(rows, strategy.scores!.evaluate(reference, variedParameters(strategy), rows))

/** Whether the query sees the key, by the flat index of a score. */
const isSeen = ({ shape: [, , Q, K], visible }: Rows, flat: number) => visible.data[flat % (Q * K)] === 1

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

/** Keys that no query of {@link withUnseen} sees: the second and third, as if between sinks and a window. */
const isUnseen = (key: number) => key === 1 || key === 2

/** The queries after those keys, with the keys hidden from all of them. */
function withUnseen(all: Rows): Rows {
  const rows = lastQueries(all, all.queries.length - 3)
  const { keys } = rows
  const data = rows.visible.data.map((seen, flat) => (isUnseen(flat % keys.length) ? 0 : seen))
  return { ...rows, visible: { shape: rows.visible.shape, data } }
}

/** The rows with the `kept` keys alone. */
function withoutUnseen(rows: Rows, kept: Int32Array): Rows {
  const cut = (x: ReferenceTensor, axis: number) => reference.gather(x, kept, axis)
  const [B, H, Q] = rows.shape
  return {
    ...rows,
    scores: cut(rows.scores, 3),
    k: cut(rows.k, 2),
    visible: cut(rows.visible, 3),
    keys: kept.map((key) => rows.keys[key]!),
    shape: [B, H, Q, kept.length],
  }
}

/** The rows with changed scores for keys that are not visible. */
function othersChanged(rows: Rows): Rows {
  const data = rows.scores.data.map((score, flat) => (isSeen(rows, flat) ? score : 5 - 3 * score))
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
        const value = strategy.scores!.evaluate(reference, variedParameters(strategy), { ...rows, scores })
        const what = `rewritten scores of up to ±${factor}`
        const hint = '; likely mistake: ln or exp of what a score can be: use ops.logSigmoid, or subtract the largest'
        expectFinite(what, ofSeen(rows, value), axes(rows), () => hint)
        const ahead = '; likely mistake: a mask of its own: leave that to the model'
        expectFinite(`${what} of keys that are not seen`, value, axes(rows), () => ahead)
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
    name: 'makes the scores of keys whether or not those that no query sees are there',
    applies: hasRewrite,
    run(strategy) {
      const all = scoreRows(reference, strategy)
      if (all.queries.length < 4) return
      const rows = withUnseen(all)
      const kept = Int32Array.from(rows.keys.keys()).filter((key) => !isUnseen(key))
      const some = withoutUnseen(rows, kept)
      expectEqual(rewritten(strategy, some), {
        what: 'the scores without keys that no query sees as with them',
        want: reference.gather(rewritten(strategy, rows), kept, 3),
        axes: axes(some),
        otherwise: () => 'it reads the place of a key in the call: windows and documents leave keys out: read keys',
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
