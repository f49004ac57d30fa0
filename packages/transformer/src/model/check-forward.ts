// Letters: B batch, K all tokens with the cache's.
import { checkInteger, checkOneOf, checkOptions, fail } from '@alibi/core'
import type { ResolvedModelConfig } from '../config.js'
import { ATTENTION_SETTINGS } from './attention-settings.js'
import type { ForwardOptions } from './forward-options.js'
import type { SettledOptions } from './places.js'

// biome-ignore format: a table
const OPTIONS: readonly (keyof ForwardOptions)[] = [
  'cache', 'slots', 'padding', 'positions', 'documents', 'attentionWindow', 'skipTolerance', 'compiled', 'dropoutSeed', ...ATTENTION_SETTINGS,
]

/** @throws RangeError or TypeError, one line, for options that a pass of B rows over K tokens cannot have */
export function checkForward(options: SettledOptions, B: number, K: number, { causal }: ResolvedModelConfig): void {
  checkOptions('forward', options, OPTIONS)
  const { padding, positions, documents, cache, slots, attentionWindow, skipTolerance } = options
  const { attentionStorage, queriesPerTile } = options
  const checkArray = (name: string, value: unknown, length: number, of: string) => {
    if (!(value instanceof Int32Array)) fail('forward', `${name} as an Int32Array`, value, TypeError)
    if (value.length !== length) fail('forward', `${length} ${name}, one for each ${of}`, value.length)
  }
  if (positions !== undefined)
    checkArray('positions', positions, positions.length === B * K ? B * K : K, 'token, those of the cache first')
  if (documents !== undefined) checkArray('documents', documents, B * K, 'token of each row, those of the cache first')
  if (slots && (B !== slots.batchSize || cache || padding || positions || documents))
    fail('forward', 'as many rows as slots have, without cache, padding, positions and documents', 'others')
  if ((cache ?? slots) && !causal)
    fail('forward', 'no cache with causal false', 'one; what is cached would not see what follows')
  if (padding !== undefined) {
    checkArray('padding', padding, B, 'row')
    const wrong = padding.find((pad) => pad < 0 || pad > K)
    if (wrong !== undefined) fail('forward', `padding from 0 to ${K} tokens`, wrong)
  }
  if (attentionWindow !== undefined) checkInteger('forward', 'attentionWindow', attentionWindow, 1)
  if (skipTolerance !== undefined && !(skipTolerance >= 0 && skipTolerance < 1))
    fail('forward', 'skipTolerance ≥ 0 and < 1', skipTolerance)
  if (queriesPerTile !== undefined) checkInteger('forward', 'queriesPerTile', queriesPerTile, 1)
  if (attentionStorage !== undefined)
    checkOneOf('forward', 'attentionStorage', attentionStorage, ['float32', 'float16'])
}
