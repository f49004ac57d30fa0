// Walks over arrays: sizes of axes, and how many numbers lie between neighbours along each.
import { util } from '@tensorflow/tfjs'

export const sizeOf = (shape: readonly number[]): number => util.sizeFromShape([...shape])

/** Floats between neighbours along each axis of a contiguous array. */
export const stridesOf = (shape: readonly number[]) => shape.map((_, axis) => sizeOf(shape.slice(axis + 1)))

/**
 * Several walks over the same axes with as few axes as they need: those of size 1 go, and neighbours become one where every walk goes
 * on from one to the next.
 *
 * @returns rank, sizes, and the strides of each walk
 */
export function axesOf(shape: readonly number[], walks: readonly (readonly number[])[]): number[] {
  const sizes: number[] = []
  const strides = walks.map((): number[] => [])
  for (const [axis, size] of shape.entries()) {
    if (size === 1) continue
    const goesOn = sizes.length && walks.every((walk, w) => strides[w]!.at(-1) === walk[axis]! * size)
    if (goesOn) {
      sizes[sizes.length - 1]! *= size
      for (const [w, walk] of walks.entries()) strides[w]![sizes.length - 1] = walk[axis]!
    } else {
      sizes.push(size)
      for (const [w, walk] of walks.entries()) strides[w]!.push(walk[axis]!)
    }
  }
  return [sizes.length, ...sizes, ...strides.flat()]
}

/** The strides of an operand where it is broadcast to a shape: 0 along what it has once. */
export function broadcastStrides(from: readonly number[], to: readonly number[]): number[] {
  const missing = to.length - from.length
  const strides = stridesOf(from)
  return to.map((_, axis) => (axis < missing || from[axis - missing] === 1 ? 0 : strides[axis - missing]!))
}
