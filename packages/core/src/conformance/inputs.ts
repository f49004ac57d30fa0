import { initialParameters, type ParameterValues } from '../parameters.js'
import { positionRange } from '../positions.js'
import { type ReferenceTensor, reference } from '../reference.js'
import { scoreBias } from '../score-bias.js'
import type { PositionStrategy, Positions } from '../strategy.js'
import type { TensorOps } from '../tensor-ops.js'
import type { PlainParameters } from './check.js'

/** Parameters with different values everywhere: many start as zeros, which hide mistakes. */
export function variedParameters(
  { parameters = {} }: PositionStrategy,
  low = 0.5,
  high = 1.5,
): ParameterValues<ReferenceTensor> {
  const init = { kind: 'uniform' as const, low, high }
  const varied = Object.entries(parameters).map(([name, { shape }]) => [name, { shape, init }] as const)
  return initialParameters(reference, Object.fromEntries(varied), 7)
}

/** Whether a strategy must know a position, or a distance of that many tokens. */
export const isKnown = ({ maxPositions = Infinity }: PositionStrategy, position: number) => position < maxPositions

/** Positions 0, 1, … that a strategy must know, up to `length` of them. */
export const firstPositions = ({ maxPositions = Infinity }: PositionStrategy, length: number): Positions =>
  positionRange(0, Math.min(length, maxPositions))

/** Positions that a strategy must know, in order: near ones, some between, and far ones as far as it goes. */
export function knownPositions(strategy: PositionStrategy): Positions {
  const { maxPositions = 2 ** 14 } = strategy
  // Odd ones too: tables and scalings often change at a power of two.
  const powers = Array.from({ length: 15 }, (_, i) => 2 ** i)
  const odd = [35, 1023, 2049, 4097]
  // Every part of a table of positions is met.
  const spread = Array.from({ length: 24 }, (_, i) => Math.floor(((i + 0.5) * maxPositions) / 24))
  const wanted = [
    ...firstPositions(strategy, 24),
    ...powers,
    ...odd,
    ...(strategy.maxPositions ? spread : []),
    maxPositions - 1,
  ]
  return Int32Array.from(new Set(wanted.filter((p) => p < maxPositions))).sort()
}

/** Parameters as plain numbers. */
export const plain = (parameters: ParameterValues<ReferenceTensor>): PlainParameters =>
  Object.fromEntries(Object.entries(parameters).map(([name, { data }]) => [name, data]))

/** Every hook that computes tensors, at `positions`. */
export function evaluateHooks<T>(
  strategy: PositionStrategy,
  ops: TensorOps<T>,
  parameters: ParameterValues<T>,
  positions: Positions,
): T[] {
  const { embedding, bias } = strategy
  return [
    ...(embedding ? [embedding.evaluate(ops, parameters, positions)] : []),
    ...(bias ? [scoreBias(ops, bias, parameters, positions, positions)] : []),
  ]
}
