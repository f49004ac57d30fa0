// Two documents in one row: positions start again, and neither sees the other.
import { alibi } from '@alibi/alibi'
import { attentionWeights, reference } from '@alibi/core'

// Queries and keys of 0: what is left of the scores is ALiBi's.
const zeros = reference.tensor(new Float64Array(5 * 4), [1, 5, 4])
const weights = attentionWeights(alibi({ numHeads: 1, slopes: [1] }), {
  q: zeros,
  k: zeros,
  numHeads: 1,
  headDim: 4,
  numQueries: 5,
  positions: Int32Array.of(0, 1, 2, 0, 1),
  documents: Int32Array.of(0, 0, 0, 1, 1),
})
const rowOf = (query: number) => weights.data.slice(5 * query, 5 * query + 5)

console.log(rowOf(2)) // → 0.0900, 0.2447, 0.6652, 0, 0
console.log(rowOf(3)) // → 0, 0, 0, 1, 0
console.log(rowOf(4)) // → 0, 0, 0, 0.2689, 0.7311
