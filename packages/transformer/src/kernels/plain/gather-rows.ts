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
  const forward = customGrad(([table], save) => {
    save([indices])
    return {
      value: tf.gather(table!, indices),
      gradient: (dy, [indices]) => [tf.unsortedSegmentSum(dy, indices as tf.Tensor1D, V!)],
    }
  })
  return forward(table) as T
}
