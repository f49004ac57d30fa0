// What a reader takes along: numbers, pictures and models.
import { strToU8, zipSync } from 'fflate'
import { TEXT_FILE } from './corpus.js'
import type { Outcome } from './outcome.js'
import type { Experiment } from './protocol.js'

/** A line a strategy and step: nats a byte. */
export const lossCsv = (outcomes: readonly Outcome[]): string =>
  csv(
    ['strategy', 'step', 'loss'],
    outcomes.flatMap(({ strategy, losses }) => losses.map((loss, i) => [strategy, i + 1, loss])),
  )

/** A line a strategy and evaluation length. */
export const perplexityCsv = (outcomes: readonly Outcome[], trainLength: number): string =>
  csv(
    ['strategy', 'train_length', 'evaluation_length', 'perplexity'],
    outcomes.flatMap(({ strategy, perplexity }) =>
      [...perplexity].map(([evalLength, value]) => [strategy, trainLength, evalLength, value]),
    ),
  )

// Names and numbers: nothing in them needs quotes.
const csv = (head: readonly string[], rows: readonly (readonly (string | number)[])[]) =>
  [head, ...rows].map((row) => `${row.join(',')}\n`).join('')

const README = `Models of the playground, a folder each: checkpoints of the bench. In this folder:

    alibi-bench eval alibi
    alibi-bench generate alibi --prompt "The Time Traveller "

eval reads the held-out part of ${TEXT_FILE}, the text that the models learned from. weights.safetensors opens with any
reader of safetensors.
`

/** @returns the bytes of a zip: a folder for each trained model, as the bench opens it, and the text */
export function modelsZip(outcomes: readonly Outcome[], { train, valid }: Experiment): Uint8Array<ArrayBuffer> {
  const files = outcomes.flatMap(({ strategy, checkpoint = {} }) =>
    Object.entries(checkpoint).map(([name, content]) => [`${strategy}/${name}`, bytesOf(content)] as const),
  )
  return zipSync({
    ...Object.fromEntries(files),
    [TEXT_FILE]: textOf(train, valid),
    'README.txt': strToU8(README),
  })
}

function textOf(train: Int32Array, valid: Int32Array): Uint8Array {
  const bytes = new Uint8Array(train.length + valid.length)
  bytes.set(train)
  bytes.set(valid, train.length)
  return bytes
}

const bytesOf = (content: Uint8Array | string) => (typeof content === 'string' ? strToU8(content) : content)
