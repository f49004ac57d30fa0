import type * as tf from '@tensorflow/tfjs'
import type { ResolvedModelConfig } from '../../config.js'
import { adaptiveVocabulary } from './adaptive.js'
import { plainVocabulary } from './plain.js'
import type { Vocabulary } from './vocabulary.js'

export const vocabularyOf = (config: ResolvedModelConfig, parameters: ReadonlyMap<string, tf.Variable>): Vocabulary =>
  config.adaptiveCutoffs.length ? adaptiveVocabulary(config, parameters) : plainVocabulary(config, parameters)
