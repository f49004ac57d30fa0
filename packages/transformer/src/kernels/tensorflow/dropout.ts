import * as tf from '@tensorflow/tfjs'
import { keepMaskOf } from '../plain/dropout.js'
import { tensorflowOp } from './tensorflow-op.js'

/** Dropout's factors from an operation of the seed, which a compiled step may be fed. */
export const statelessKeepMask = keepMaskOf((shape, seed) => {
  const types = { dtype: 'float32', T: 'int32', Tseed: 'int32' } as const
  return tensorflowOp('StatelessRandomUniform', types, [tf.tensor1d([...shape], 'int32'), seed])[0]!
})
