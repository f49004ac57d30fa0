import { checkStrategy } from './check-strategy.js'
import type {
  DistanceBias,
  Embedding,
  Gate,
  LinearBias,
  PositionStrategy,
  RelativeTerms,
  Rotation,
  ScoreRewrite,
  SinkLogit,
  Visibility,
} from './strategy.js'

/** What {@link defineStrategy} takes: a strategy whose version need not be written. */
export type StrategyDefinition = Omit<PositionStrategy, 'specVersion'> & { readonly specVersion?: 1 }

/** No members but those of `Known`: TypeScript then finds a misspelt one. */
type Only<Actual, Known> = { readonly [Name in Exclude<keyof Actual, keyof Known>]: never }

/** The same for a strategy and each of its hooks. */
type OnlyKnown<S extends StrategyDefinition> = Only<S, StrategyDefinition> & {
  readonly embedding?: Only<S['embedding'] & {}, Embedding>
  readonly rotation?: Only<S['rotation'] & {}, Rotation>
  readonly bias?: Only<S['bias'] & {}, Record<keyof LinearBias | keyof DistanceBias, unknown>>
  readonly gate?: Only<S['gate'] & {}, Gate>
  readonly terms?: Only<S['terms'] & {}, RelativeTerms>
  readonly scores?: Only<S['scores'] & {}, ScoreRewrite>
  readonly visibility?: Only<S['visibility'] & {}, Visibility>
  readonly sink?: Only<S['sink'] & {}, SinkLogit>
}

/** S as it is given, and not as what the result is assigned to would have it. */
type Given<S> = [S][S extends unknown ? 0 : never]

/**
 * Makes a strategy: fills in the version, refuses what is no member, and freezes it with all that it declares.
 *
 * @param definition - a name, and what there is of parameters and hooks
 * @returns the strategy, whose type has the hooks that it has
 * @throws TypeError or RangeError for an unknown member, naming the nearest one; or a member that is not what it should be
 */
export function defineStrategy<const S extends StrategyDefinition>(
  definition: S & OnlyKnown<S>,
): Given<S> & { readonly specVersion: 1 } {
  const given: unknown = definition
  const strategy = typeof given === 'object' && given !== null ? { specVersion: 1, ...given } : given
  checkStrategy('defineStrategy', strategy)
  return deepFreeze(strategy) as Given<S> & { readonly specVersion: 1 }
}

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value))
    if (typeof member === 'object' && member !== null && !ArrayBuffer.isView(member)) deepFreeze(member)
  return Object.freeze(value)
}
