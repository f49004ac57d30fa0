import { alibi } from '@alibi/alibi'
import { none, type PositionStrategy } from '@alibi/core'
import { fire } from '@alibi/fire'
import { kerple } from '@alibi/kerple'
import { rotary } from '@alibi/rotary'
import { sandwich } from '@alibi/sandwich'
import { learned, sinusoidal } from '@alibi/sinusoidal'
import { t5Bias } from '@alibi/t5-bias'
import { slopeStrategies } from './slope-sets.js'

/** What a strategy may need to know of the model it is for. */
export interface StrategyContext {
  readonly numHeads: number
  /** modelDim / numHeads */
  readonly headDim: number
  readonly modelDim: number
  readonly trainLength: number
}

/** What decides it: a run's config will do. */
export type StrategyModel = Omit<StrategyContext, 'headDim'>

export type StrategyFactory = (context: StrategyContext) => PositionStrategy

/** Every strategy the bench has itself, by the name on its command line: the one place to add another. */
const builtIn: Readonly<Record<string, StrategyFactory>> = {
  alibi: ({ numHeads }) => alibi({ numHeads }),
  sinusoidal: ({ modelDim }) => sinusoidal({ modelDim }),
  rotary: ({ headDim }) => rotary({ rotaryDim: headDim }),
  't5-bias': ({ numHeads }) => t5Bias({ numHeads }),
  'kerple-log': ({ numHeads }) => kerple({ numHeads }),
  'kerple-power': ({ numHeads }) => kerple({ numHeads, kernel: 'power' }),
  // A quarter of the train length, as the authors' 512 of 2048.
  fire: ({ numHeads, trainLength }) => fire({ numHeads, threshold: trainLength / 4 }),
  sandwich: ({ numHeads }) => sandwich({ numHeads }),
  learned: ({ modelDim, trainLength }) => learned({ modelDim, maxPositions: trainLength }),
  none: () => none(),
  ...slopeStrategies,
}

/** The names of the strategies that the bench has itself. */
export const strategyNames: readonly string[] = Object.keys(builtIn)

/** Those, and the plugins of this process by their strategies' names (see `plugins/`). */
const factories = new Map(Object.entries(builtIn))

/** Makes a plugin's strategy known to `makeStrategy`. */
export function registerStrategy(name: string, factory: StrategyFactory): void {
  factories.set(name, factory)
}

/** Whether it is built in, or a plugin that was loaded. */
export const isKnownStrategy = (name: string): boolean => factories.has(name)

/** @throws RangeError if there is no such strategy, or it cannot be made for this model */
export function makeStrategy(name: string, model: StrategyModel): PositionStrategy {
  const factory = factories.get(name)
  if (!factory) throw new RangeError(`run: expected a strategy from ${[...factories.keys()].join(', ')}, got ${name}`)
  return factory(contextOf(model))
}

/** Only what a factory may look at: neither its options by chance, nor a run's other settings. */
export const contextOf = ({ numHeads, modelDim, trainLength }: StrategyModel): StrategyContext => ({
  numHeads,
  headDim: modelDim / numHeads,
  modelDim,
  trainLength,
})
