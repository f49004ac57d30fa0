import { alibi, alibiSlopes } from '@alibi/alibi'
import { cope } from '@alibi/cope'
import { none, type PositionStrategy } from '@alibi/core'
import { fire } from '@alibi/fire'
import { forgetting } from '@alibi/forgetting'
import { kerple } from '@alibi/kerple'
import { gemmaLocal, irope, rotary } from '@alibi/rotary'
import { sandwich } from '@alibi/sandwich'
import { learned, sinusoidal } from '@alibi/sinusoidal'
import { streaming } from '@alibi/streaming'
import { t5Bias } from '@alibi/t5-bias'
import { deberta, shaw, transformerXl } from '@alibi/transformer-xl'
import { checkValues, type OptionKind } from './options.js'
import {
  createRegistry,
  type OptionValue,
  type StrategyContext,
  type StrategyFactory,
  type Variant,
} from './registry.js'
import { scaledBy } from './scaled-by.js'
import { slopeSets } from './slope-sets.js'

interface Definition {
  /** The factory's options, without those that the model decides. */
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
      scaling: ['linear', 'ntk', 'yarn', 'dynamic', 'proportional'],
      factor: 'number',
      proportion: 'number',
    },
    make: ({ headDim, trainLength }, { scaling, factor, proportion, ...options }) =>
      rotary({ rotaryDim: headDim, ...options, ...scaledBy({ scaling, factor, proportion }, trainLength) }),
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
  forgetting: {
    options: { startBias: 'number', slopes: ['alibi'], perLayer },
    make: ({ numHeads, modelDim }, { slopes, ...options }) =>
      forgetting({ numHeads, modelDim, ...(slopes && { slopes: alibiSlopes(numHeads) }), ...options }),
  },
  'transformer-xl': {
    options: { base: 'number', perLayer },
    make: ({ numHeads, headDim, modelDim }, options) => transformerXl({ numHeads, headDim, modelDim, ...options }),
  },
  shaw: {
    options: { maxDistance: 'number', bidirectional: 'boolean', perLayer },
    make: ({ numHeads, headDim }, options) => shaw({ numHeads, headDim, ...options }),
  },
  deberta: {
    options: { maxDistance: 'number' },
    // The authors' 512 is their train length.
    make: ({ numHeads, headDim, modelDim, trainLength }, options) =>
      deberta({ numHeads, headDim, modelDim, maxDistance: trainLength, ...options }),
  },
  cope: {
    options: { maxPosition: 'number', perLayer },
    make: ({ numHeads, headDim }, options) => cope({ numHeads, headDim, ...options }),
  },
  irope: {
    options: { base: 'number', rotaryDim: 'number', pairing: ['half', 'interleaved'], every: 'number' },
    make: ({ headDim }, options) => irope({ rotaryDim: headDim, ...options }),
  },
  'gemma-local': {
    options: { window: 'number', localLayers: 'number', localBase: 'number', globalBase: 'number' },
    // Gemma 3's 512 is a small part of its train length.
    make: ({ headDim, trainLength }, options) =>
      gemmaLocal({ rotaryDim: headDim, window: Math.ceil(trainLength / 4), ...options }),
  },
  streaming: {
    options: { window: 'number', sinks: 'number', of: ['rotary', 'alibi', 'none'], positions: ['text', 'cache'] },
    make: ({ numHeads, headDim, trainLength }, { of = 'rotary', ...options }) => {
      const whereTokensAre = {
        rotary: () => rotary({ rotaryDim: headDim }),
        alibi: () => alibi({ numHeads }),
        none,
      }[of as 'rotary' | 'alibi' | 'none']
      // The authors have four sinks.
      return streaming(whereTokensAre(), { window: trainLength, sinks: 4, numHeads, headDim, ...options })
    },
  },
  learned: {
    options: { maxPositions: 'number', offset: 'number' },
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

/** The names of all built-in strategies, in the order of tables. */
export const strategyNames: readonly string[] = Object.keys(definitions)

/** What options a strategy has; undefined for what is no built-in strategy. */
export const definedOptions = (name: string): Readonly<Record<string, OptionKind>> | undefined =>
  Object.hasOwn(definitions, name) ? definitions[name]!.options : undefined

/**
 * The factory of a variant. It checks the options again: they may come from results or checkpoints that anyone wrote.
 */
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
