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
  readonly name: string
  /** @throws Error, `conformance: expected X, got Y` */
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
 * @param options - what is known of this strategy beyond the interface
 */
export function conformanceCases(strategy: PositionStrategy, options: ConformanceOptions = {}): ConformanceCase[] {
  return checks
    .filter(({ applies }) => applies(strategy, options))
    .map(({ name, run }) => ({ name, run: () => run(strategy, options) }))
}
