import type { PositionStrategy, RelativeTerms } from '@alibi/core'

/** A strategy with products of queries and keys with vectors of the distance. */
export type TermsStrategy = PositionStrategy & { readonly terms: RelativeTerms }
