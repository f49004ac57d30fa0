// What a pass's kernels are generated for and given. Letters: H heads, Q/K queries/keys, D headDim, N distances.
import type * as tf from '@tensorflow/tfjs'
import type { ProjectedInputs } from '../../attention/kernel.js'
import type { AttentionProblem } from '../../attention/problem.js'
import { deviceLimits, type Kernel } from '../dispatch.js'
import type { BiasShape } from './bias.js'
import type { TileShape } from './tiles.js'

/** Tiles of keys from which on it pays to look for those that have no weight. */
const SKIP_FROM = 8

/** Tensors by the names of their buffers. */
export type Named = Readonly<Record<string, tf.Tensor>>

/** Everything that a pass's kernels share. */
export interface KernelPlan {
  readonly shape: TileShape
  readonly bias: BiasShape
  readonly problem: AttentionProblem
  /** The shapes of q, k and v, or of qkv. */
  readonly shapes: Readonly<Record<string, readonly number[]>>
  readonly uniforms: Readonly<Record<string, number>>
  readonly heads: number
  readonly queryTiles: number
  readonly keyTiles: number
  readonly trained: 'slopes' | 'table' | undefined
}

/** Everything but queries, keys and values. */
export type FusedInputs = Pick<ProjectedInputs, 'bias' | 'padding' | 'gate' | 'rotation'>

const hasBias = ({ asks }: AttentionProblem) => asks.includes('linear bias') || asks.includes('table bias')

/**
 * The gradient of keys and values binds most: two outputs, five inputs, and what bias, gate and mask need; of a gate its sums
 * and their gradient. It needs no rotation.
 */
export const numBuffers = ({ asks }: AttentionProblem) =>
  7 + NEED_BUFFERS.filter((feature) => asks.includes(feature)).length + (asks.includes('gate') ? 2 : 0)

const NEED_BUFFERS = ['linear bias', 'table bias', 'position gaps', 'padding'] as const

/**
 * Whether some keys may have no weight, and the device can bind what tells which. Not where a table is trained: one a layer
 * has the most dispatches of all, and skipping would add another to each.
 */
function canSkip(problem: AttentionProblem): boolean {
  const { asks } = problem
  if (asks.includes('table bias') && asks.includes('trained bias')) return false
  const mayFall = (hasBias(problem) || asks.includes('gate')) && !asks.includes('position gaps')
  return (mayFall || asks.includes('padding')) && numBuffers(problem) < deviceLimits().maxStorageBuffersPerShaderStage
}

/** Tiles of keys that a tile of queries sees, at most. */
const tilesSeen = ({ window = Infinity, sinks = 0 }: AttentionProblem, tile: number) =>
  Math.ceil(window / tile) + 1 + Math.ceil(sinks / tile)

export function planOf(problem: AttentionProblem, tensors: Named, { bias, rotation }: FusedInputs): KernelPlan {
  const packed = 'qkv' in tensors
  const { asks, batchSize, numHeads, numQueries, numKeys, headDim, window = numKeys, sinks = 0 } = problem
  const limits = deviceLimits()
  const large = limits.maxComputeWorkgroupStorageSize >= 32768 && limits.maxComputeInvocationsPerWorkgroup >= 256
  const tile = large && numQueries > 32 && numKeys > 64 ? 64 : 32
  const queryTiles = Math.ceil(numQueries / tile)
  const keyTiles = Math.ceil(numKeys / tile)
  const kind = bias.kind as BiasShape['kind']
  const tableLength = bias.kind === 'table' ? bias.table.shape[1]! : 0
  const part = headDim / 4
  const row = numHeads * part
  const rows = (name: string, length: number, width: number) =>
    packed
      ? { [`${name}Batch`]: length * width, [`${name}Head`]: part, [`${name}Row`]: width }
      : { [`${name}Batch`]: length * row, [`${name}Head`]: length * part, [`${name}Row`]: part }
  return {
    shape: { tile, headDim, packed, half: asks.includes('float16 storage'), pairStride: rotation?.pairStride },
    bias: {
      kind,
      positions: asks.includes('position gaps'),
      gate: asks.includes('gate'),
      padding: asks.includes('padding'),
      skipping: Math.min(keyTiles, tilesSeen(problem, tile)) >= SKIP_FROM && canSkip(problem),
    },
    problem,
    shapes: Object.fromEntries(Object.entries(tensors).map(([name, { shape }]) => [name, shape])),
    heads: batchSize * numHeads,
    queryTiles,
    keyTiles,
    trained: asks.includes('trained bias')
      ? ({ none: undefined, linear: 'slopes', table: 'table' } as const)[kind]
      : undefined,
    uniforms: {
      heads: numHeads,
      numQueries,
      numKeys,
      window,
      sinks,
      tableLength,
      queryTiles,
      keyTiles,
      tableTiles: Math.ceil(tableLength / tile),
      ...rows('q', numQueries, 3 * row),
      ...rows('k', numKeys, 3 * row),
      ...rows('o', numQueries, row),
      qOffset: 0,
      kOffset: packed ? row : 0,
      vOffset: packed ? 2 * row : 0,
      oOffset: 0,
    },
  }
}

const ELEMENTS: Record<string, Kernel['inputs'][number]['element']> = {
  q: 'vec4f',
  k: 'vec4f',
  v: 'vec4f',
  qkv: 'vec4f',
  out: 'vec4f',
  dOut: 'vec4f',
  stats: 'vec4f',
  rotation: 'vec4f',
  logSums: 'vec2f',
  bounds: 'vec4f',
  positions: 'i32',
}

export const bind = (tensors: Named, names: readonly string[]): Kernel['inputs'] =>
  names
    .filter((name) => tensors[name])
    .map((name) => ({ name, element: elementOf(name, tensors[name]!), tensor: tensors[name]! }))

/** Queries, keys and values as integers are pairs of float16. */
const elementOf = (name: string, { dtype }: tf.Tensor) =>
  dtype === 'int32' && QKV.includes(name) ? 'vec2u' : (ELEMENTS[name] ?? 'f32')

export const QKV = ['qkv', 'q', 'k', 'v']
export const BIAS = ['slopes', 'table', 'positions', 'gate', 'padding', 'bounds']
