// The model in float64, written down once more: norms, projections and MLP here, attention from core. D modelDim, H heads,
// L tokens.
import { attentionWeights, layerStrategy, type ReferenceTensor, reference } from '@alibi/core'
import { type Model, positionParameterName } from '../src/index.js'
import { gelu64, layerNorm64 } from './float64.js'

const [D, H, headDim] = [8, 2, 4]

/**
 * Hidden states of one row, [L, D]; positions begin again in each document where none are given.
 */
export function forward64(model: Model, row: Int32Array, documents: Int32Array, given?: Int32Array): ReferenceTensor {
  const p = (name: string) => {
    const variable = model.parameters.get(name)!
    return reference.tensor(Float64Array.from(variable.dataSync()), variable.shape)
  }
  const L = row.length
  const starts = documents.map((id, i) => documents.findIndex((other, j) => other === id && j <= i))
  const positions = given ?? starts.map((start, i) => i - start)
  const linear = (x: ReferenceTensor, name: string) =>
    reference.add(reference.matmul(x, p(`${name}.weight`)), p(`${name}.bias`))
  const norm = (x: ReferenceTensor, name: string) =>
    reference.tensor(layerNorm64(D, x.data, p(`${name}.scale`).data, p(`${name}.shift`).data), x.shape)
  const { strategy } = model
  let x = reference.mul(reference.gather(p('embedding.weight'), row, 0), reference.tensor([Math.sqrt(D)], [1]))
  if (strategy.embedding) {
    const own = Object.keys(strategy.parameters ?? {}).map((name) => [name, p(`position.${name}`)])
    x = reference.add(x, strategy.embedding.evaluate(reference, Object.fromEntries(own), positions))
  }
  for (let layer = 0; layer < model.config.numLayers; layer++) {
    const part = layerStrategy(strategy, layer)
    const at = `layers.${layer}`
    const normed = norm(x, `${at}.attention_norm`)
    const qkv = linear(normed, `${at}.attention.qkv`)
    const heads = (from: number) =>
      reference.transpose(
        reference.reshape(
          reference.gather(
            qkv,
            Int32Array.from({ length: D }, (_, i) => from * D + i),
            1,
          ),
          [L, H, headDim],
        ),
        [1, 0, 2],
      )
    const parameters = Object.fromEntries(
      Object.keys(part.parameters ?? {}).map((name) => [name, p(positionParameterName(strategy, name, layer))]),
    )
    const pass = { q: heads(0), k: heads(1), x: normed, numHeads: H, headDim, numQueries: L, positions, documents }
    const mixed = reference.matmul(attentionWeights(part, pass, parameters), heads(2))
    const merged = reference.reshape(reference.transpose(mixed, [1, 0, 2]), [L, D])
    x = reference.add(x, linear(merged, `${at}.attention.out`))
    const hidden = linear(norm(x, `${at}.mlp_norm`), `${at}.mlp.in`)
    const active = { shape: hidden.shape, data: gelu64(hidden.data) }
    x = reference.add(x, linear(active, `${at}.mlp.out`))
  }
  return norm(x, 'final_norm')
}

/** Ids of documents that stand together. */
export const documentsOf = (length: number, ends: readonly number[]) => {
  let id = 0
  return Int32Array.from({ length }, (_, i) => {
    if (ends.includes(i)) id++
    return id
  })
}
