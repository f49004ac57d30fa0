// The rotations of a strategy that exists already, stretched otherwise: a model read with another scaling.
import { checkStrategy, defineStrategy, fail, type PositionStrategy, type Rotation } from '@alibi/core'
import { type RotaryScaling, rotary, rotaryOptions } from '@alibi/rotary'

/**
 * A strategy with another scaling in place of its own: features, base and pairing stay, as do windows, sinks and biases. Where
 * layers have rotations that differ, those that see furthest are scaled: Gemma 3's global layers, and not its local ones.
 *
 * @param scaling - absent: none
 * @throws RangeError for a strategy without a rotation that `rotary` made; TypeError for no strategy
 */
export function withScaling<S extends PositionStrategy>(strategy: S, scaling?: RotaryScaling): S {
  checkStrategy('withScaling', strategy)
  const parts: readonly PositionStrategy[] = strategy.layers ?? [strategy]
  const turning = parts.filter((part) => part.rotation)
  const other = turning.find(({ rotation }) => !rotaryOptions(rotation!))
  if (!turning.length || other)
    fail(
      'withScaling',
      'a strategy whose queries and keys rotary turns',
      other ? `${strategy.name}, which turns them otherwise` : `${strategy.name}, which turns none`,
    )
  const alike = new Set(turning.map(({ rotation }) => signature(rotation!))).size === 1
  const furthest = Math.max(...turning.map(reach))
  const scaled = new Map<PositionStrategy, PositionStrategy>()
  // Layers of one strategy share its parameters: what takes its place is one as well.
  const scale = (part: PositionStrategy): PositionStrategy => {
    if (!part.rotation || !(alike || reach(part) === furthest)) return part
    if (!scaled.has(part))
      scaled.set(part, defineStrategy({ ...part, rotation: scaledRotation(part.rotation, scaling) }))
    return scaled.get(part)!
  }
  const made = strategy.layers
    ? defineStrategy({ ...(strategy as PositionStrategy), layers: strategy.layers.map(scale) })
    : scale(strategy)
  return made as S
}

const reach = ({ visibility }: PositionStrategy) => visibility?.window ?? Number.POSITIVE_INFINITY

/** What tells a rotation from others. */
function signature(rotation: Rotation): string {
  const { base, rotaryDim, pairing } = rotaryOptions(rotation)!
  return JSON.stringify([base, rotaryDim, pairing, Array.from(rotation.angles(Int32Array.of(1)))])
}

function scaledRotation(rotation: Rotation, scaling: RotaryScaling | undefined): Rotation {
  const { scaling: _, ...plain } = rotaryOptions(rotation)!
  return rotary({ ...plain, ...(scaling && { scaling }) }).rotation
}
