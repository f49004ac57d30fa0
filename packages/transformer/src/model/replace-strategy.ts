import { checkOptions, fail, type PositionStrategy } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { type ModelConfig, resolveConfig } from '../config.js'
import { checkModel } from './check-model.js'
import { disposeKeptGraphs } from './kept-graphs.js'
import { assembleModel, type Model } from './model.js'
import { allocateParameters, parameterSpecs } from './parameters.js'
import { positionSpecs } from './position-parameters.js'

/** What {@link replaceStrategy} takes besides a model and a strategy. */
export interface ReplaceStrategyOptions {
  /**
   * Names of arrays of the model's own strategy that the new one reads, too: the table of a learned one, say. Default: none,
   * so that all of the new strategy's arrays have their starting values.
   */
  readonly keep?: readonly string[]
  /** Of the starting values. Default 0. */
  readonly seed?: number
  /** What is dropped in training from now on, in place of the model's own. */
  readonly dropout?: Partial<Pick<ModelConfig, 'dropout' | 'attentionDropout' | 'activationDropout' | 'tailDropout'>>
}

/**
 * The weights of a model with another position strategy. The arrays move over: the given model can no longer be used, and
 * those of its strategy that are not kept are freed.
 *
 * @throws RangeError or TypeError, one line, for a strategy that does not fit the model, or an array to keep that either does
 * not have, or has in another shape; the model is then as it was
 */
export function replaceStrategy(model: Model, strategy: PositionStrategy, options: ReplaceStrategyOptions = {}): Model {
  checkModel('replaceStrategy', model)
  checkOptions('replaceStrategy', options, ['keep', 'seed', 'dropout'])
  const { keep = [], seed = 0, dropout } = options
  const { parameters } = model
  const config = resolveConfig({ ...model.config, ...dropout })
  const specs = parameterSpecs(strategy, config)
  const [own, others] = [model.strategy, strategy].map((each) => new Set(Object.keys(positionSpecs(each, config))))
  for (const name of keep) {
    const got = own!.has(name) ? parameters.get(name)!.shape : undefined
    const want = others!.has(name) ? specs[name]!.shape : undefined
    if (!got || !want || `${got}` !== `${want}`)
      fail(
        'replaceStrategy',
        `${name} to keep ${want ? `of shape [${want}], as ${strategy.name} has it` : `among the arrays of ${strategy.name}`}`,
        got ? `[${got}]` : `none of ${model.strategy.name}`,
      )
  }
  const fresh = Object.entries(specs).filter(([name]) => others!.has(name) && !keep.includes(name))
  const started = allocateParameters(Object.fromEntries(fresh), seed)
  const moved = new Map(Object.keys(specs).map((name) => [name, started.get(name) ?? parameters.get(name)!]))
  disposeKeptGraphs(parameters)
  tf.dispose([...own!].filter((name) => !keep.includes(name)).map((name) => parameters.get(name)!))
  return assembleModel(config, strategy, moved)
}
