import type { PositionStrategy } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { type ModelConfig, resolveConfig } from '../config.js'
import { assembleModel, type Model } from './model.js'
import { parameterSpecs } from './parameters.js'

/** Gives the numbers of one of a model's arrays, row-major, of the shape that the model has for it. */
export type ArrayReader = (name: string, shape: readonly number[]) => Promise<Float32Array>

/**
 * A model whose arrays exist already. They are read one at a time, so that a large model is not in memory twice.
 *
 * @throws Error that `read` throws; RangeError or TypeError, one line, for a config or strategy that cannot be built
 */
export async function modelFromArrays(
  config: ModelConfig,
  strategy: PositionStrategy,
  read: ArrayReader,
): Promise<Model> {
  const resolved = resolveConfig(config)
  const parameters = new Map<string, tf.Variable>()
  try {
    for (const [name, { shape }] of Object.entries(parameterSpecs(strategy, resolved))) {
      const data = await read(name, shape)
      parameters.set(
        name,
        tf.tidy(() => tf.variable(tf.tensor(data, [...shape]))),
      )
    }
  } catch (error) {
    tf.dispose([...parameters.values()])
    throw error
  }
  return assembleModel(resolved, strategy, parameters)
}
