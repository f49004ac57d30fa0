import type { PositionStrategy } from '@alibi/core'

const HOOKS = ['embedding', 'rotation', 'bias', 'gate', 'terms', 'scores', 'visibility', 'sink', 'layers'] as const

/** Whether a strategy has this hook and no other. Its name says nothing: variants have names of their own. */
export const hasOnly = (strategy: PositionStrategy, hook: (typeof HOOKS)[number]): boolean =>
  HOOKS.every((each) => (strategy[each] !== undefined) === (each === hook))
