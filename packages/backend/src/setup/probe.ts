// Started by checkTensorflow in a process of its own; prints one line of JSON, or of what is wrong.
import * as tf from '@tensorflow/tfjs'
import { oneLine } from '../loaded.js'
import { loadTensorflow } from '../tensorflow.js'

try {
  const { device, isGpu, version } = await loadTensorflow()
  await tf.setBackend('tensorflow')
  const product = await tf.matMul([[1, 2]], [[3], [4]]).data()
  if (product[0] !== 11) throw new Error(`expected 1·3 + 2·4 = 11, got ${product[0]}`)
  console.log(JSON.stringify({ device, isGpu, version }))
} catch (error) {
  console.error(oneLine(error))
  process.exitCode = 1
}
