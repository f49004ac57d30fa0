import {
  dynamicNtkScaling,
  linearScaling,
  llama3Scaling,
  type MadeScaling,
  ntkScaling,
  proportionalScaling,
  type RotaryScaling,
  yarnScaling,
} from '@alibi/rotary'
import { checkValues, type OptionKind } from './options.js'
import type { OptionValue } from './registry.js'

interface Definition {
  /** The function's options. */
  readonly options: Readonly<Record<string, OptionKind>>
  /** Whether the train length that frequencies belong to is among them. */
  readonly hasOriginal: boolean
  make(options: Readonly<Record<string, OptionValue>>): RotaryScaling
}

const originalMaxPositions = 'number'

/** Options come by name, checked: the functions check the rest. */
const define = <Options>(
  make: (options: Options) => RotaryScaling,
  options: Readonly<Record<string, OptionKind>>,
): Definition => ({
  options,
  hasOriginal: 'originalMaxPositions' in options,
  make: (given) => make(given as Options),
})

/** What stretches a rotation, by its name on the command line: the one place to add another. */
const definitions = {
  linear: define(linearScaling, { factor: 'number' }),
  ntk: define(ntkScaling, { factor: 'number' }),
  yarn: define(yarnScaling, {
    ...{ factor: 'number', originalMaxPositions, betaFast: 'number', betaSlow: 'number' },
    ...{ attentionFactor: 'number', mscale: 'number', mscaleAllDim: 'number', truncate: 'boolean' },
  }),
  llama3: define(llama3Scaling, {
    ...{ factor: 'number', originalMaxPositions, lowFrequencyFactor: 'number', highFrequencyFactor: 'number' },
  }),
  dynamic: define(dynamicNtkScaling, { factor: 'number', originalMaxPositions }),
  proportional: define(proportionalScaling, { proportion: 'number', factor: 'number' }),
} satisfies Partial<Record<MadeScaling['kind'], Definition>>

/** A scaling of rotary positions as a command line names it. */
export interface ScalingReference {
  /** One of {@link scalingNames}. */
  readonly use: string
  readonly options: Readonly<Record<string, OptionValue>>
}

/** The names of all scalings of rotary positions. */
export const scalingNames: readonly string[] = Object.keys(definitions)

const definitionOf = (use: string): Definition | undefined =>
  Object.hasOwn(definitions, use) ? definitions[use as keyof typeof definitions] : undefined

/** The options of a scaling; undefined for what is none. */
export const scalingOptionsOf = (use: string): Readonly<Record<string, OptionKind>> | undefined =>
  definitionOf(use)?.options

/**
 * A scaling with the train length that frequencies belong to among its options, if it has that.
 *
 * @param trainLength - for one that does not say it
 */
export const completeScaling = ({ use, options }: ScalingReference, trainLength: number): ScalingReference => ({
  use,
  options: { ...(definitionOf(use)!.hasOriginal && { originalMaxPositions: trainLength }), ...options },
})

/**
 * The options are checked again: they may come from results or checkpoints that anyone wrote.
 *
 * @throws RangeError or TypeError, one line, for options that the scaling does not have, or values that it cannot have
 */
export function makeScaling({ use, options }: ScalingReference): RotaryScaling {
  const definition = definitionOf(use)
  if (!definition) throw new RangeError(`positions: expected a scaling from ${scalingNames.join(', ')}, got ${use}`)
  return definition.make(checkValues(`positions ${use}`, definition.options, options))
}
