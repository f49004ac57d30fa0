import { compare } from '../steps/compare.js'
import type { Size } from '../steps/contestant.js'
import { jax, torch, transformers } from '../steps/peers.js'
import { ourDecoding, ourPrefill } from '../steps/reading.js'
import { makeStart } from '../steps/start.js'
import { forwardTable } from '../steps/tables.js'
import { type Comparison, model, type Part } from './part.js'

const decodingSize: Size = { name: 'decoding', batch: 1, length: 512, ...model, steps: 100 }
const prefillSize: Size = { name: 'prefill', batch: 1, length: 4096, ...model, steps: 1 }

export const decoding: Part = {
  name: 'decoding',
  what: `greedy decoding after ${decodingSize.length} tokens, against transformers and JAX`,
  async run({ rounds, python, log, print }): Promise<Comparison> {
    const size = decodingSize
    const start = await makeStart(size, 'bloom')
    try {
      const own = await ourDecoding(start, { compile: true }, log)
      const others = [
        () => ourDecoding(start, { compile: false }, log),
        ...(['loop', 'generate', 'static-generate', 'static', 'compiled'] as const).map(
          (way) => () => transformers(start, way, python),
        ),
        () => jax(start, 'decode', 'einsum', python),
        () => jax(start, 'decode', 'dot_product_attention', python),
      ]
      const compared = await compare(own, [others], { steps: size.steps, rounds, log })
      print(forwardTable(`decoding after ${size.length}`, 'token', compared))
      return { size, ...compared }
    } finally {
      start.dispose()
    }
  },
}

export const prefill: Part = {
  name: 'prefill',
  what: `reading a prompt of ${prefillSize.length} tokens into a cache, against PyTorch, transformers and JAX`,
  async run({ rounds, python, log, print }): Promise<Comparison> {
    const size = prefillSize
    const start = await makeStart(size, 'bloom')
    try {
      const others = [
        () => torch(start, 'prefill', { attention: 'eager', compile: true }, python),
        () => torch(start, 'prefill', { attention: 'sdpa', compile: true }, python),
        () => torch(start, 'prefill', { attention: 'flex', compile: true }, python),
        () => transformers(start, 'prefill', python),
        () => jax(start, 'prefill', 'einsum', python),
        () => jax(start, 'prefill', 'dot_product_attention', python),
      ]
      const compared = await compare(await ourPrefill(start), [others], { steps: size.steps, rounds, log })
      print(forwardTable(`prefill of ${size.length}`, 'prompt', compared))
      return { size, ...compared }
    } finally {
      start.dispose()
    }
  },
}
