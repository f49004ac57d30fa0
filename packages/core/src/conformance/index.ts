import type { PositionStrategy } from '../strategy.js'
import { biasChecks } from './bias.js'
import type { Check, ConformanceOptions } from './check.js'
import { embeddingChecks } from './embedding.js'
import { generalChecks } from './general.js'
import { parameterChecks } from './parameters.js'
import { rotationChecks } from './rotation.js'

export type { ConformanceOptions, Differentiable } from './check.js'

/** One thing that a strategy must get right. */
export interface ConformanceCase {
  /** What must hold, in words. */
  readonly name: string
  /** @throws Error, `conformance: expected X, got Y`; and what the strategy itself throws */
  run(): void | Promise<void>
}

const checks: readonly Check[] = [
  ...generalChecks,
  ...parameterChecks,
  ...embeddingChecks,
  ...rotationChecks,
  ...biasChecks,
]

/**
 * What every strategy must hold, for the hooks that this one has. Runs on the float64 reference, in any test framework:
 *
 *     for (const { name, run } of conformanceCases(alibi({ numHeads: 8 }))) it(name, run)
 *
 * @param strategy - or a function that makes it, so that each case has its own; a small one, as its parameters are moved
 * part by part
 * @param options - what is known of this strategy beyond the interface
 */
export function conformanceCases(
  strategy: PositionStrategy | (() => PositionStrategy),
  options: ConformanceOptions = {},
): readonly ConformanceCase[] {
  const make = typeof strategy === 'function' ? strategy : () => strategy
  const first = make()
  // Of another version nothing else can be judged.
  return (first?.specVersion === 1 ? checks : checks.slice(0, 1))
    .filter(({ applies }) => applies(first, options))
    .map(({ name, run }) => ({ name, run: () => inOurWords(() => run(make(), options)) }))
}

/** What core says of a hook's result is the suite's finding too. */
function inOurWords(run: () => void | Promise<void>): void | Promise<void> {
  const translate = (error: unknown): never => {
    if (error instanceof Error) error.message = error.message.replace(/^(scoreBias|rotationTables): /, 'conformance: ')
    throw error
  }
  try {
    return run()?.catch(translate)
  } catch (error) {
    return translate(error)
  }
}
