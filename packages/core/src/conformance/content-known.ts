// Compares the hooks that read content with a second implementation, given as options. H heads, K keys, N tokens.

import { attentionScores } from '../attention-scores.js'
import { initialParameters, type ParameterValues } from '../parameters.js'
import { type ReferenceTensor, reference } from '../reference.js'
import type { PositionStrategy } from '../strategy.js'
import { isVisible } from '../visibility.js'
import type { Check } from './check.js'
import { expectEqual } from './expect.js'
import { features, isKnown, plain, ROWS, scoreRows, variedParameters } from './inputs.js'

const sets = (strategy: PositionStrategy): readonly (readonly [when: string, ParameterValues<ReferenceTensor>])[] => [
  ['at the starting parameters', initialParameters(reference, strategy.parameters)],
  ...(strategy.parameters ? [['at other parameters', variedParameters(strategy)] as const] : []),
]

const row = ({ data }: ReferenceTensor, index: number, width: number) =>
  data.subarray(index * width, (index + 1) * width)

const range = (length: number) => Array.from({ length }, (_, i) => i)

/** Distances at which terms are compared: near ones, and those around usual limits of tables. */
const DISTANCES = [...range(20), 31, 32, 33, 63, 64, 65, 127, 128, 129, 511, 512, 513, 1023, 1025]

export const contentKnownChecks: readonly Check[] = [
  {
    name: 'has the gates it is known to have',
    applies: ({ gate }, options) => gate !== undefined && options.gate !== undefined,
    run(strategy, options) {
      const { numHeads: H, modelDim: D } = strategy.gate!
      const x = features(1, ROWS, D)
      for (const [when, parameters] of sets(strategy)) {
        const numbers = plain(parameters)
        const want = range(ROWS).flatMap((token) =>
          range(H).map((head) => options.gate!(head, row(x, token, D), numbers)),
        )
        expectEqual(strategy.gate!.evaluate(reference, parameters, x), {
          what: `the known gates ${when}`,
          want: reference.tensor(want, [ROWS, H]),
          axes: [['token'], ['head']],
        })
      }
    },
  },
  {
    name: 'has the terms it is known to have',
    applies: ({ terms }, options) => terms !== undefined && options.terms !== undefined,
    run(strategy, options) {
      const { numHeads: H, headDim, scale = 1 } = strategy.terms!
      const distances = DISTANCES.filter((d) => isKnown(strategy, d))
      const positions = Int32Array.from(distances.map((d) => distances.at(-1)! - d).reverse())
      const K = positions.length
      const [q, k] = [features(21, H, 1, headDim), features(22, H, K, headDim)]
      for (const [when, parameters] of sets(strategy)) {
        const numbers = plain(parameters)
        const pass = { q, k, numHeads: H, headDim, numQueries: 1, positions }
        const { terms, parameters: declared } = strategy
        const alone = { specVersion: 1, name: strategy.name, terms, parameters: declared } as PositionStrategy
        const got = attentionScores(reference, alone, parameters, pass)
        const want = range(H).flatMap((head) =>
          range(K).map((key) => {
            const vectors = { q: row(q, head, headDim), k: row(k, head * K + key, headDim) }
            const product = vectors.q.reduce((sum, value, i) => sum + value * vectors.k[i]!, 0)
            const added = options.terms!(head, positions.at(-1)! - positions[key]!, vectors, numbers)
            return (scale * (product + added)) / Math.sqrt(headDim)
          }),
        )
        expectEqual(got, {
          what: `scores with the known terms ${when}`,
          want: reference.tensor(want, [H, 1, K]),
          axes: [['head'], ['query', positions.subarray(-1)], ['key', positions]],
        })
      }
    },
  },
  {
    name: 'makes the scores it is known to make',
    applies: ({ scores }, options) => scores !== undefined && options.scores !== undefined,
    run(strategy, options) {
      const { headDim } = strategy.scores!
      const rows = scoreRows(reference, strategy)
      const [B, H, L] = rows.shape
      for (const [when, parameters] of sets(strategy)) {
        const numbers = plain(parameters)
        const got = strategy.scores!.evaluate(reference, parameters, rows)
        const want = range(B * H).flatMap((each) =>
          range(L).flatMap((query) => {
            const keys = range(query + 1).map((key) => row(rows.k, each * L + key, headDim))
            const scores = row(rows.scores, each * L + query, L).slice(0, query + 1)
            const made = options.scores!(each % H, { scores, q: row(rows.q, each * L + query, headDim), keys }, numbers)
            return range(L).map((key) => (key <= query ? made[key]! : 0))
          }),
        )
        const seen = got.data.map((score, i) => (isVisible(undefined, Math.floor(i / L) % L, i % L) ? score : 0))
        expectEqual(reference.tensor(seen, got.shape), {
          what: `the known scores ${when}`,
          want: reference.tensor(want, got.shape),
          axes: [['row'], ['head'], ['query', rows.queries], ['key', rows.keys]],
        })
      }
    },
  },
]
