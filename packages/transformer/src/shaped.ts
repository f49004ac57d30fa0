import { fail } from '@alibi/core'
import type * as tf from '@tensorflow/tfjs'

/**
 * What a strategy's hook or a kernel returned, if it is a tensor of one of these shapes: another may broadcast to wrong numbers.
 *
 * @throws RangeError or TypeError, one line, for anything else
 */
export function shaped<T extends tf.Tensor>(
  where: string,
  what: string,
  made: unknown,
  ...shapes: readonly (readonly number[])[]
): T {
  const shape = (made as { readonly shape?: unknown } | null | undefined)?.shape
  const expected = `${what} of shape ${shapes.map((each) => `[${each}]`).join(' or ')}`
  if (!Array.isArray(shape)) fail(where, expected, made, TypeError)
  if (!shapes.some((each) => `${each}` === `${shape}`)) fail(where, expected, `[${shape}]`)
  return made as T
}
