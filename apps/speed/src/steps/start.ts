// What all contestants of a size start from, so that they are one model: weights and some rows, in a file that peers read.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '@alibi/core'
import { huggingFaceArchitecture, saveHuggingFace } from '@alibi/huggingface'
import { builtInStrategies } from '@alibi/strategies'
import { createModel, type Model } from '@alibi/transformer'
import { encodeSafetensors, readArrays } from '@alibi/transformer/node'
import type { Size } from './contestant.js'

export interface Start {
  readonly size: Size
  /** A safetensors file of the weights by their names, and of `rows`. */
  readonly path: string
  /** The same weights as transformers reads them, where the architecture is BLOOM's. */
  readonly folder: string | undefined
  /** L·B + 1 tokens; row i of a batch has those from i·L on, L + 1 of them. */
  readonly text: Int32Array
  /** A model with these weights, the caller's to dispose. */
  model(strategy?: string): Model
  /** Removes the files. */
  dispose(): void
}

/** @param architecture - BLOOM's for what is compared with transformers: the paper's with a norm of the embeddings instead of a factor */
export async function makeStart(size: Size, architecture: 'paper' | 'bloom' = 'paper'): Promise<Start> {
  const { batch, length, layers: numLayers, dim: modelDim, heads: numHeads, vocabulary: vocabularySize } = size
  const like = architecture === 'bloom' ? huggingFaceArchitecture('bloom') : {}
  const make = (strategy = 'alibi') =>
    createModel(
      { vocabularySize, numLayers, modelDim, numHeads, ...like },
      builtInStrategies.make(strategy, { numHeads, modelDim, trainLength: length }),
    )
  const random = seededRandom(1)
  const text = Int32Array.from({ length: batch * length + 1 }, () => Math.floor(random() * vocabularySize))
  const root = mkdtempSync(join(tmpdir(), 'alibi-speed-'))
  const model = make()
  const path = join(root, 'start.safetensors')
  const rows = Float32Array.from(rowsOf(text, size).flatMap((row) => [...row]))
  const arrays = (await readArrays(model.parameters)).set('rows', { shape: [batch, length + 1], data: rows })
  const sizes = JSON.stringify({ layers: numLayers, heads: numHeads })
  writeFileSync(path, encodeSafetensors(arrays, { sizes }))
  const folder = architecture === 'bloom' ? join(root, 'bloom') : undefined
  if (folder) await saveHuggingFace(folder, model, { family: 'bloom' })
  model.dispose()
  return { size, path, folder, text, model: make, dispose: () => rmSync(root, { recursive: true, force: true }) }
}

/** The rows of a start's text. */
export const rowsOf = (text: Int32Array, { batch, length }: Size): Int32Array[] =>
  Array.from({ length: batch }, (_, i) => text.slice(i * length, (i + 1) * length + 1))
