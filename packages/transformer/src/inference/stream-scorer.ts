import { currentCompiler } from '../compiler.js'
import { attentionSettings } from '../model/attention-settings.js'
import type { Model } from '../model/model.js'
import type { EvaluateOptions } from './evaluate-options.js'
import { tellFallback } from './fallbacks.js'
import { createKvCache } from './kv-cache.js'
import { scoreNext } from './losses.js'
import { namesOfBatch, type Scorer, scoredBy } from './scorer.js'

/** Scores one streaming window after the other, with the keys and values of earlier ones in a cache. */
export function createStreamScorer(model: Model, tokens: Int32Array, options: EvaluateOptions): Scorer {
  const { attentionWindow, skipTolerance, onFallback } = options
  if (options.compile !== false && currentCompiler())
    tellFallback(model, 'streaming windows read a cache that grows, which no graph holds', onFallback)
  const cache = createKvCache()
  const forward = { attentionWindow, skipTolerance, ...attentionSettings(options), cache }
  return {
    score: ([window], number) => scoredBy(() => scoreNext(model, tokens, window!, forward), number === 0),
    attentionNames: (batch) => namesOfBatch(model, batch, options),
    dispose: () => cache.dispose(),
  }
}
