// Texts that transformers generates with the same folder: greedy, penalized, ended, alone and in a left-padded batch.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generate, generateBatch } from '@alibi/transformer'
import * as tf from '@tensorflow/tfjs'
import { expect, it } from 'vitest'
import { loadHuggingFace } from '../src/index.js'
import { TOLERANCE } from './folders.js'

interface Golden {
  readonly versions: { readonly transformers: string }
  readonly prompts: number[][]
  readonly length: number
  readonly cases: {
    readonly penalty: number
    readonly end: number | null
    readonly texts: { readonly tokens: number[]; readonly logProbabilities: number[] }[]
  }[]
}

const golden = fileURLToPath(new URL('golden', import.meta.url))
const { versions, prompts, length, cases }: Golden = JSON.parse(await readFile(join(golden, 'generation.json'), 'utf8'))

it.each(cases)(
  `generates as transformers ${versions.transformers}: penalty $penalty, end $end`,
  async ({ penalty, end, texts }) => {
    const { model } = await loadHuggingFace(join(golden, 'llama-sharded'))
    const given = prompts.map((prompt) => Int32Array.from(prompt))
    const endTokens = end === null ? [] : [end]
    const options = { maxNewTokens: length, temperature: 0, repetitionPenalty: penalty, endTokens }
    const expected = texts.map(({ tokens }) => Int32Array.from(tokens))
    expect(await generateBatch(model, given, options)).toEqual(expected)
    for (const [i, prompt] of given.entries()) expect(await generate(model, prompt, options)).toEqual(expected[i])
    if (penalty !== 1) return
    const longest = Math.max(...prompts.map((prompt) => prompt.length))
    const padding = Int32Array.from(prompts, (prompt) => longest - prompt.length)
    const rows = prompts.map((prompt, i) =>
      Int32Array.from([...Array<number>(padding[i]!).fill(0), ...prompt, ...texts[i]!.tokens]),
    )
    const made = tf.tidy(() => tf.logSoftmax(model.logits(model.forward(rows, { padding }))).arraySync()) as number[][]
    const own = texts.map(({ tokens }, i) =>
      tokens.map((token, step) => made[i * rows[0]!.length + longest - 1 + step]![token]!),
    )
    expect(own).toBeAllclose(
      texts.map(({ logProbabilities }) => logProbabilities),
      TOLERANCE,
    )
  },
)
