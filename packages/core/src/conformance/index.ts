import { checkOptions, fail } from '../check.js'
import { checkStrategy } from '../check-strategy.js'
import type { PositionStrategy } from '../strategy.js'
import { biasChecks } from './bias.js'
import type { Check, ConformanceOptions } from './check.js'
import { contentKnownChecks } from './content-known.js'
import { embeddingChecks } from './embedding.js'
import { gateChecks } from './gate.js'
import { generalChecks } from './general.js'
import { knownChecks } from './known.js'
import { numberChecks } from './numbers.js'
import { parameterChecks } from './parameters.js'
import { passChecks } from './pass.js'
import { rotationChecks } from './rotation.js'
import { rewriteChecks } from './scores.js'
import { termsChecks } from './terms.js'

export type { ConformanceOptions, Differentiable, PlainParameters } from './check.js'

/** One thing that a strategy must get right. */
export interface ConformanceCase {
  /** What must hold, in words. */
  readonly name: string
  /** @throws Error, `conformance: expected X, got Y`; and what the strategy itself throws */
  run(): void | Promise<void>
}

const checks: readonly Check[] = [
  ...generalChecks,
  ...numberChecks,
  ...parameterChecks,
  ...embeddingChecks,
  ...rotationChecks,
  ...biasChecks,
  ...gateChecks,
  ...termsChecks,
  ...rewriteChecks,
  ...passChecks,
  ...knownChecks,
  ...contentKnownChecks,
]

/**
 * What every strategy must hold, for the hooks that this one has. Runs on the float64 reference, in any test framework:
 *
 *     for (const { name, run } of conformanceCases(alibi({ numHeads: 8 }))) it(name, run)
 *
 * @param strategy - or a function that makes it, so that each case has its own; a small one, as its parameters are moved
 * part by part
 * @param options - what is known of this strategy beyond the interface
 * @returns the cases; the first alone where that fails, as nothing else can be judged then
 * @throws TypeError for options that are none
 */
export function conformanceCases(
  strategy: PositionStrategy | (() => PositionStrategy),
  options: ConformanceOptions = {},
): readonly ConformanceCase[] {
  checkKnown(options)
  const make = typeof strategy === 'function' ? strategy : () => strategy
  const first = make()
  const valid = isStrategy(first)
  const own = (valid ? checks : checks.slice(0, 1))
    .filter(({ applies }) => applies(first, options))
    .map(({ name, run }) => ({ name, run: () => inOurWords(() => run(make(), options)) }))
  return [...own, ...(valid ? casesOfLayers(first, make, options) : [])]
}

/** The cases of each strategy that a layer has, once for those that are the same object. */
function casesOfLayers(
  { layers = [] }: PositionStrategy,
  make: () => PositionStrategy,
  options: ConformanceOptions,
): ConformanceCase[] {
  return layers.flatMap((part, i) =>
    layers.indexOf(part) < i
      ? []
      : conformanceCases(() => make().layers![i]!, options).map(({ name, run }) => ({
          name: `layer ${i}: ${name}`,
          run,
        })),
  )
}

// biome-ignore format: a table
const OPTIONS: readonly (keyof ConformanceOptions)[] = [
  'bias', 'embedding', 'angle', 'pairing', 'magnitude', 'gate', 'terms', 'scores', 'differentiable',
]

function checkKnown(options: ConformanceOptions): void {
  checkOptions('conformanceCases', options, OPTIONS)
  const { bias, angle, pairing } = options
  if (bias && [1, 2].includes(bias.length))
    fail('conformanceCases', 'bias(head, query, key, parameters)', `a function of ${bias.length}`, TypeError)
  if (angle && !pairing)
    fail(
      'conformanceCases',
      'pairing with angle',
      'none; say which features turn together: half or interleaved',
      TypeError,
    )
}

function isStrategy(value: unknown): boolean {
  try {
    checkStrategy('conformance', value)
    return true
  } catch {
    return false
  }
}

/** What core says of a hook's result is the suite's finding too. */
function inOurWords(run: () => void | Promise<void>): void | Promise<void> {
  const translate = (error: unknown): never => {
    if (error instanceof Error)
      error.message = error.message.replace(
        /^(scoreBias|rotationTables|trainedRotationTables|attentionScores): /,
        'conformance: ',
      )
    throw error
  }
  try {
    return run()?.catch(translate)
  } catch (error) {
    return translate(error)
  }
}
