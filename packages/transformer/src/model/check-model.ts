import { fail } from '@alibi/core'
import type { Model } from './model.js'

/** @throws TypeError, one line, for anything but a model */
export function checkModel(where: string, value: Model): void {
  if (value instanceof Promise) fail(where, 'a model', value, TypeError)
  if (typeof value?.forwardTokens !== 'function')
    fail(where, 'a model, as createModel makes it', value === null ? 'null' : typeof value, TypeError)
}
