import { fail } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import type { Trainer } from './trainer.js'

/**
 * Passes all that a trainer keeps between steps through a function, array by array, always in the same order: weights, then the
 * optimizer's state. Replicas become equal with it, or find out whether they are.
 *
 * @param exchange - gets an array's numbers; what it returns takes their place
 * @throws TypeError, one line, for anything but a trainer and a function
 */
export function exchangeState(trainer: Trainer, exchange: (values: Float32Array) => Float32Array): void {
  const given: Partial<Trainer> | null | undefined = trainer
  if (typeof given?.sync !== 'function') fail('exchangeState', 'a trainer', trainer, TypeError)
  if (typeof exchange !== 'function') fail('exchangeState', 'a function exchange', exchange, TypeError)
  trainer.sync()
  for (const variable of [...trainer.model.parameters.values(), ...Object.values(trainer.optimizer.state)]) {
    const values = variable.dataSync() as Float32Array
    const exchanged = exchange(values)
    if (exchanged !== values) tf.tidy(() => variable.assign(tf.tensor(exchanged, variable.shape)))
  }
}
