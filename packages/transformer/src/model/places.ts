// Letters: B batch, Q/K queries/keys.
import { fail, type Positions, positionRange } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { guardGraph, hostTensor } from '../compiler.js'
import type { SlotCache } from '../inference/slot-cache.js'
import type { PositionGaps } from '../kernels/attention/kernel.js'
import type { ForwardOptions, Moving } from './forward-options.js'

/** The positions of a forward pass. The last `numQueries` keys are new tokens; the rest come from a cache. */
export interface Places {
  /** Q */
  readonly numQueries: number
  /** Positions whose differences are the distances of every row; [K]. */
  readonly keys: Positions
  /** Each row's own positions where rows differ, as after padding or with documents; B of [K]. */
  readonly rows?: readonly Positions[] | undefined
  /** Whether distances differ between rows too: the caller gave positions for each row, which replace `keys`. */
  readonly byRow: boolean
  /** The index of the first key of each query's document; B of [Q]. */
  readonly documentStarts?: readonly Int32Array[] | undefined
  /** Where positions or documents move from run to run of a graph: the places of now. */
  readonly now?: (() => Places) | undefined
  /** The index of the first query among the keys, in a cache with slots. Absent: the queries are the last keys. */
  readonly firstQuery?: number | undefined
  /** Left padding of each row, in tokens; [B]. */
  readonly padding?: Int32Array | undefined
  /** Whether the keys' positions move. */
  readonly keysMove?: boolean | undefined
}

/** The options with what moves as it is now. */
export type SettledOptions = Omit<ForwardOptions, 'positions' | 'documents'> &
  Readonly<Partial<Record<'positions' | 'documents', Int32Array | undefined>>>

const nowOf = (moving: Moving | undefined) => (typeof moving === 'function' ? moving() : moving)

/** The places of a pass; those of the same arrays are made once. */
export function movingPlaces(options: ForwardOptions, placesAt: (options: SettledOptions) => Places): Places {
  const { slots } = options
  const keysMove = typeof options.positions === 'function' || slots !== undefined
  let made: { readonly of: readonly unknown[]; readonly places: Places } | undefined
  const now = () => {
    const given = { ...options, positions: nowOf(options.positions), documents: nowOf(options.documents) }
    const of = [given.positions, given.documents, slots?.pastLength, slots?.padding]
    if (!made || of.some((value, i) => value !== made!.of[i])) made = { of, places: placesAt(given) }
    return made.places
  }
  if (!keysMove && typeof options.documents !== 'function') return now()
  const places = { ...now(), keysMove, now }
  guardGraph(() => now().byRow === places.byRow && now().rows?.length === places.rows?.length)
  return places
}

/** The places of new tokens in a cache with slots: slot i has position i, those not in use yet the last token's. */
export function slotPlaces(slots: SlotCache, sinks: boolean, numQueries: number): Places {
  const { batchSize, capacity, pastLength, padding } = slots
  const last = pastLength + numQueries - 1
  if (last >= capacity) fail('forward', `room for ${last + 1} tokens in slots`, `${capacity}`)
  // For each token: a loop takes a microsecond, Int32Array.from 45.
  const positions = new Int32Array(capacity).fill(last)
  for (let i = 0; i < last; i++) positions[i] = i
  return { ...placesOf({ positions, padding }, sinks, batchSize, numQueries, capacity), firstQuery: pastLength }
}

/** A tensor of numbers that follow from the places of a pass. */
export const placesTensor = <R extends tf.Rank>(
  places: Places,
  make: (places: Places) => Float32Array | Int32Array,
  shape: tf.ShapeMap[R],
  dtype: 'float32' | 'int32',
): tf.Tensor<R> =>
  places.now ? hostTensor<R>(() => make(places.now!()), shape, dtype) : tf.tensor<R>(make(places), shape, dtype)

/** Whether each position of every row is the one before plus 1, as far as distances go, in every run. */
export const isConsecutive = ({ keys, byRow, keysMove }: Places): boolean =>
  !byRow && !keysMove && keys.every((position, i) => position === keys[0]! + i)

/**
 * Reads the options that decide where tokens are.
 *
 * @param sinks - whether some layer always sees first tokens; in rows with padding these begin after it
 * @param batchSize - B
 * @param numQueries - Q
 * @param numKeys - K, with the tokens in the cache
 */
export function placesOf(
  options: SettledOptions,
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
    return {
      numQueries,
      keys: positionRange(0, numKeys),
      rows: rowsOf(positions),
      byRow: true,
      documentStarts: starts,
      padding,
    }
  const keys = positions ?? positionRange(0, numKeys)
  if (positions && !padding) return { numQueries, keys, byRow: false, documentStarts: starts }
  // Positions count from the first token of a row or document.
  const rows =
    firsts?.map((all) => keys.map((key, i) => key - all[i]!)) ??
    (padding && Array.from(padding, (pad) => keys.map((key) => Math.max(0, key - pad))))
  return { numQueries, keys, rows, byRow: false, documentStarts: starts, padding }
}

/** For each token the index of the first token of its document; the tokens of a document are contiguous; [K]. */
function documentStarts(documents: Int32Array): Int32Array {
  const starts = new Int32Array(documents.length)
  for (let i = 1; i < documents.length; i++) starts[i] = documents[i] === documents[i - 1] ? starts[i - 1]! : i
  return starts
}

/** Of the keys' positions, those of the queries; [Q]. */
export function queriesOf(
  keys: Positions,
  { numQueries, firstQuery }: Pick<Places, 'numQueries' | 'firstQuery'>,
): Positions {
  const first = firstQuery ?? keys.length - numQueries
  return keys.subarray(first, first + numQueries)
}

const known = new WeakMap<Places, PositionGaps>()

/** The positions of a pass and the distances between them, which all layers share. */
export function gapsOf(places: Places, causal: boolean): PositionGaps {
  const before = known.get(places)
  if (before) return before
  const { keys, rows, byRow, documentStarts } = places
  const positions = byRow ? rows! : [keys]
  const starts = byRow ? documentStarts : documentStarts && [earliestStarts(places)!]
  const distances = new Set<number>()
  positions.forEach((row, b) => {
    const queries = queriesOf(row, places)
    queries.forEach((query, i) => {
      const end = causal ? row.length - queries.length + i + 1 : row.length
      for (let key = starts?.[b]?.[i] ?? 0; key < end; key++) distances.add(query - row[key]!)
    })
  })
  const gaps = { positions, distances: Int32Array.from(distances).sort() }
  known.set(places, gaps)
  return gaps
}

/** Before which key a kernel need not look, for each query; [Q]. Where documents move, that is nowhere. */
export function earliestStarts({ documentStarts: starts, numQueries, now }: Places): Int32Array | undefined {
  if (!starts) return undefined
  const earliest = (i: number) => starts.reduce((least, row) => Math.min(least, row[i]!), Infinity)
  return Int32Array.from({ length: numQueries }, (_, i) => (now ? 0 : earliest(i)))
}

/** The starts of documents on the device; float32 [B, 1, Q, 1]. */
export function documentsOnDevice(places: Places): tf.Tensor4D | undefined {
  const { documentStarts: starts, numQueries: Q } = places
  const flat = ({ documentStarts }: Places) => Float32Array.from(documentStarts!.flatMap((row) => [...row]))
  return starts && placesTensor<tf.Rank.R4>(places, flat, [starts.length, 1, Q, 1], 'float32')
}

/** 1 for keys that are left padding, else 0, on the device; float32 [B, 1, 1, K]. */
export function paddingOnDevice(places: Places): tf.Tensor4D | undefined {
  const { padding, keys } = places
  const flat = (at: Places) =>
    Float32Array.from(Array.from(at.padding!).flatMap((pad) => Array.from(keys, (_, key) => Number(key < pad))))
  return padding && placesTensor<tf.Rank.R4>(places, flat, [padding.length, 1, 1, keys.length], 'float32')
}

/** The index of the first query in a cache with slots; int32 [1]. */
export const firstQueryOnDevice = (places: Places): tf.Tensor1D =>
  placesTensor<tf.Rank.R1>(places, ({ firstQuery }) => Int32Array.of(firstQuery!), [1], 'int32')
