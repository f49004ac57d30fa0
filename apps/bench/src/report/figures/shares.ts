import type { Scale } from '@alibi/charts'

/** Shares of trials, from none to all. */
export const SHARES: Scale = { of: (v) => v, back: (v) => v, ticks: [0, 0.25, 0.5, 0.75, 1], extent: [-0.04, 1.04] }
