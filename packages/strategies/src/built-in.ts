import { alibi } from '@alibi/alibi'
import { none, type PositionStrategy } from '@alibi/core'
import { fire } from '@alibi/fire'
import { kerple } from '@alibi/kerple'
import { linearScaling, ntkScaling, type RotaryScaling, rotary, yarnScaling } from '@alibi/rotary'
import { sandwich } from '@alibi/sandwich'
import { learned, sinusoidal } from '@alibi/sinusoidal'
import { t5Bias } from '@alibi/t5-bias'
import { checkValues, type OptionKind } from './options.js'
import {
  createRegistry,
  type OptionValue,
  type StrategyContext,
  type StrategyFactory,
  type Variant,
} from './registry.js'
import { slopeSets } from './slope-sets.js'

interface Definition {
  /** Of the factory, less what the model decides. */
  readonly options: Readonly<Record<string, OptionKind>>
  make(context: StrategyContext, options: Readonly<Record<string, OptionValue>>): PositionStrategy
}

const perLayer = 'boolean'

/** Every strategy by its name on the command line: the one place to add another. */
const definitions: Readonly<Record<string, Definition>> = {
  alibi: {
    options: {
      scale: 'number',
      maxBias: 'number',
      learned: 'boolean',
      perLayer,
      direction: ['symmetric', 'nonsymmetric'],
    },
    make: ({ numHeads }, options) => alibi({ numHeads, ...options }),
  },
  sinusoidal: {
    options: { base: 'number', layout: ['vaswani', 'fairseq'] },
    make: ({ modelDim }, options) => sinusoidal({ modelDim, ...options }),
  },
  rotary: {
    options: {
      base: 'number',
      rotaryDim: 'number',
      pairing: ['half', 'interleaved'],
      scaling: ['linear', 'ntk', 'yarn'],
      factor: 'number',
    },
    make: ({ headDim, trainLength }, { scaling, factor, ...options }) =>
      rotary({ rotaryDim: headDim, ...options, ...scaledBy(scaling, factor, trainLength) }),
  },
  't5-bias': {
    options: { numBuckets: 'number', maxDistance: 'number', bidirectional: 'boolean', perLayer },
    make: ({ numHeads }, options) => t5Bias({ numHeads, ...options }),
  },
  'kerple-log': { options: { perLayer }, make: ({ numHeads }, options) => kerple({ numHeads, ...options }) },
  'kerple-power': {
    options: { perLayer },
    make: ({ numHeads }, options) => kerple({ numHeads, kernel: 'power', ...options }),
  },
  fire: {
    options: { width: 'number', threshold: 'number', perLayer },
    // A quarter of the train length, as the authors' 512 of 2048.
    make: ({ numHeads, trainLength }, options) => fire({ numHeads, threshold: trainLength / 4, ...options }),
  },
  sandwich: {
    options: { width: 'number', base: 'number' },
    make: ({ numHeads }, options) => sandwich({ numHeads, ...options }),
  },
  learned: {
    options: { maxPositions: 'number' },
    make: ({ modelDim, trainLength }, options) => learned({ modelDim, maxPositions: trainLength, ...options }),
  },
  none: { options: {}, make: () => none() },
  ...Object.fromEntries(
    Object.entries(slopeSets).map(([name, set]): [string, Definition] => [
      name,
      { options: {}, make: ({ numHeads }) => alibi({ numHeads, ...set(numHeads) }) },
    ]),
  ),
}

function scaledBy(scaling: OptionValue | undefined, factor: OptionValue | undefined, trainLength: number) {
  if ((scaling === undefined) !== (factor === undefined))
    throw new RangeError('rotary: expected scaling and factor together, got one of them')
  if (scaling === undefined) return {}
  const options = { factor: factor as number, originalMaxPositions: trainLength }
  const made: Readonly<Record<string, () => RotaryScaling>> = {
    linear: () => linearScaling(options),
    ntk: () => ntkScaling(options),
    yarn: () => yarnScaling(options),
  }
  return { scaling: made[scaling as string]!() }
}

/** In the order of tables. */
export const strategyNames: readonly string[] = Object.keys(definitions)

/** What options a strategy has; undefined for what is no built-in strategy. */
export const definedOptions = (name: string): Readonly<Record<string, OptionKind>> | undefined =>
  Object.hasOwn(definitions, name) ? definitions[name]!.options : undefined

/** Of results and checkpoints too, which anyone may have written: options are checked here again. */
const variantFactory =
  ({ use, options }: Variant): StrategyFactory =>
  (context) =>
    definitions[use]!.make(context, checkOptions(use, options))

/**
 * A strategy's options as its factory takes them.
 *
 * @param given - by name; numbers and booleans may be text
 * @throws RangeError, one line
 */
export function checkOptions(use: string, given: Readonly<Record<string, unknown>>): Record<string, OptionValue> {
  const known = definedOptions(use)
  const names = Object.keys(given)
  if (!known && names.length)
    throw new RangeError(
      `strategy ${use}: expected options with a built-in strategy (${strategyNames.join(', ')}), got ${names.join(', ')}; write them into its own code`,
    )
  return checkValues(`strategy ${use}`, known ?? {}, given)
}

/** Those that are here; `with` adds to them. */
export const builtInStrategies = createRegistry(
  new Map(strategyNames.map((name) => [name, variantFactory({ use: name, options: {} })])),
  variantFactory,
)
