import { fail } from '@alibi/core'
import type { Model } from './model.js'

/** @throws TypeError, one line, for anything but a model */
export function checkModel(where: string, value: Model): void {
  if (value instanceof Promise) fail(where, 'a model', value, TypeError)
  if (typeof value?.forwardTokens !== 'function')
    fail(where, 'a model, as createModel makes it', value === null ? 'null' : typeof value, TypeError)
}

/** @throws RangeError, one line, for an encoder, whose tokens see those that they would name */
export function checkCausal(where: string, { config }: Model): void {
  if (!config.causal) fail(where, 'a model with causal true', 'false; its tokens see those that come after them')
}
