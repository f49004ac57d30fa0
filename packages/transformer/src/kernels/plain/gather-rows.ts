// Letters: V rows of a table, N of those taken.
import * as tf from '@tensorflow/tfjs'
import { customGrad } from '../custom-grad.js'

/**
 * Rows of a table by index. Its gradient adds up rows as they are; tf.gather's transposes twice, for an axis that is the
 * first already.
 *
 * @param table - shape [V, …]
 * @param indices - int32 [N], from 0 to V − 1
 * @returns shape [N, …]
 */
export function gatherRows<T extends tf.Tensor>(table: T, indices: tf.Tensor1D): T {
  const [V] = table.shape
  return customGrad(
    { table },
    ({ table }) => ({ value: tf.gather(table, indices), saved: { indices } }),
    (dy, { indices }) => ({ table: tf.unsortedSegmentSum(dy, indices, V!) }),
  )
}
