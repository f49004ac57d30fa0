import { checkInteger, checkOptions, defineStrategy, type PositionStrategy, type Visibility } from '@alibi/core'

/** What {@link windowed} takes. */
export interface WindowOptions {
  /** How many tokens a query sees: itself the first, and those before it. */
  readonly window: number
  /** How many first tokens of each document every query sees beyond its window. Default 0. */
  readonly sinks?: number
}

/**
 * A window of keys, and the first ones besides: which tokens a query sees, and nothing of where they are. Compose it with a
 * strategy that says where (Mistral, Gemma and gpt-oss have windows in some layers; StreamingLLM has four first tokens).
 *
 * @throws RangeError or TypeError for a window below 1, or sinks below 0
 */
export function windowed(options: WindowOptions): PositionStrategy & { readonly visibility: Visibility } {
  checkOptions('windowed', options, ['window', 'sinks'])
  return defineStrategy({ name: 'windowed', visibility: visibilityOf('windowed', options) })
}

/** The same as a hook. */
export function visibilityOf(where: string, { window, sinks = 0 }: WindowOptions): Visibility {
  checkInteger(where, 'window', window, 1)
  checkInteger(where, 'sinks', sinks, 0)
  return sinks ? { window, sinks } : { window }
}
