import { alibi } from '@alibi/alibi'
import { none, type PositionStrategy } from '@alibi/core'
import { rotary } from '@alibi/rotary'
import { learned, sinusoidal } from '@alibi/sinusoidal'
import { t5Bias } from '@alibi/t5-bias'

/** What a strategy may need to know of the model it is for. */
export interface StrategyContext {
  readonly numHeads: number
  readonly modelDim: number
  readonly trainLength: number
}

/** Every strategy the bench knows, by the name on its command line: the one place to add another. */
const strategies = {
  alibi: ({ numHeads }) => alibi({ numHeads }),
  sinusoidal: ({ modelDim }) => sinusoidal({ modelDim }),
  rotary: ({ modelDim, numHeads }) => rotary({ rotaryDim: modelDim / numHeads }),
  't5-bias': ({ numHeads }) => t5Bias({ numHeads }),
  learned: ({ modelDim, trainLength }) => learned({ modelDim, maxPositions: trainLength }),
  none: () => none(),
} satisfies Record<string, (context: StrategyContext) => PositionStrategy>

export type StrategyName = keyof typeof strategies
export const strategyNames = Object.keys(strategies) as [StrategyName, ...StrategyName[]]

/** @throws RangeError if the strategy cannot be made for this model */
export function makeStrategy(name: StrategyName, context: StrategyContext): PositionStrategy {
  return strategies[name](context)
}
