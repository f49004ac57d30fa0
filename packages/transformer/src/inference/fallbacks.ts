import type { Model } from '../model/model.js'

/** Told in one line why passes run op by op. */
type OnFallback = ((reason: string) => void) | undefined

const told = new WeakMap<Model, Set<string>>()

/** Tells why passes of a model run op by op; a reason that somebody was told of the model is not told again. */
export function tellFallback(model: Model, reason: string, onFallback: OnFallback): void {
  if (!onFallback) return
  const reasons = told.get(model) ?? new Set()
  told.set(model, reasons)
  if (!reasons.has(reason)) onFallback(reason)
  reasons.add(reason)
}

/** The reasons of graphs that outlive those who listen: a compiler tells each only once. */
export interface Fallbacks {
  /** For the compiler. */
  readonly onFallback: (reason: string) => void
  /** Tells what there is, after a pass. */
  tell(onFallback: OnFallback): void
}

export function fallbacksOf(model: Model): Fallbacks {
  const reasons: string[] = []
  return {
    onFallback: (reason) => void reasons.push(reason),
    tell(onFallback) {
      for (const reason of reasons) tellFallback(model, reason, onFallback)
    },
  }
}
