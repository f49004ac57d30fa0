// Letters: B batch, Q/K queries/keys.
import { type Positions, positionRange } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import type { ForwardOptions } from './forward-options.js'

/** Where a forward pass's tokens are: the last `numQueries` of the keys are new, the rest come from a cache. */
export interface Places {
  /** Q */
  readonly numQueries: number
  /** Positions that tell distances within every row; [K]. */
  readonly keys: Positions
  /** Positions of each row where they differ, as after padding or from document to document; B of [K]. */
  readonly rows?: readonly Positions[] | undefined
  /** Whether distances differ between rows too: the rows were given, and count instead of `keys`. */
  readonly byRow: boolean
  /** The index of the first key of each query's document; B of [Q]. */
  readonly documentStarts?: readonly Int32Array[] | undefined
}

/**
 * Reads the options that place tokens.
 *
 * @param sinks - whether some layer goes on to see first tokens: of rows with padding, those after it
 * @param batchSize - B
 * @param numQueries - Q
 * @param numKeys - K, with the cache's
 */
export function placesOf(
  options: ForwardOptions,
  sinks: boolean,
  batchSize: number,
  numQueries: number,
  numKeys: number,
): Places {
  const { positions, documents, padding } = options
  const rowsOf = (all: Int32Array) =>
    Array.from({ length: batchSize }, (_, row) => all.subarray(row * numKeys, (row + 1) * numKeys))
  const afterPadding = padding && sinks ? Array.from(padding, (pad) => new Int32Array(numKeys).fill(pad)) : undefined
  const firsts = documents ? rowsOf(documents).map(documentStarts) : afterPadding
  const starts = firsts?.map((all) => all.subarray(numKeys - numQueries))
  if (positions && positions.length !== numKeys)
    return { numQueries, keys: positionRange(0, numKeys), rows: rowsOf(positions), byRow: true, documentStarts: starts }
  const keys = positions ?? positionRange(0, numKeys)
  if (positions && !padding) return { numQueries, keys, byRow: false, documentStarts: starts }
  // What was before the first token of a row, or of a document, does not count.
  const rows =
    firsts?.map((all) => keys.map((key, i) => key - all[i]!)) ??
    (padding && Array.from(padding, (pad) => keys.map((key) => Math.max(0, key - pad))))
  return { numQueries, keys, rows, byRow: false, documentStarts: starts }
}

/** Of each token, the index of the first of its document: those of a document stand together. */
function documentStarts(documents: Int32Array): Int32Array {
  const starts = new Int32Array(documents.length)
  for (let i = 1; i < documents.length; i++) starts[i] = documents[i] === documents[i - 1] ? starts[i - 1]! : i
  return starts
}

/** Positions of the queries. */
export const queriesOf = (keys: Positions, numQueries: number): Positions => keys.subarray(keys.length - numQueries)

/** The earliest of all rows; [Q]. */
export const earliest = (starts: readonly Int32Array[]): Int32Array =>
  starts[0]!.map((_, i) => starts.reduce((least, row) => Math.min(least, row[i]!), Infinity))

/** On the device; [B, 1, Q, 1]. */
export const documentsOnDevice = (starts: readonly Int32Array[]): tf.Tensor4D =>
  tf.tensor4d(Float32Array.from(starts.flatMap((row) => [...row])), [starts.length, 1, starts[0]!.length, 1])
