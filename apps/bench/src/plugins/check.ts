import type { PositionStrategy } from '@alibi/core'
import { conformanceCases } from '@alibi/core/conformance'
import { checkName, contextOf, type StrategyModel, strategyNames } from '@alibi/strategies'
import { parameterShapes, tfDifferentiable } from '@alibi/transformer'
import type { LoadedPlugin } from './load.js'
import { thrownText } from './thrown.js'

/**
 * Makes the plugin's strategy for a model and runs the conformance suite on it, gradients through TensorFlow.js included.
 *
 * @throws Error, one line, with the first case that fails and what it means
 */
export async function checkPlugin(
  { reference, factory }: LoadedPlugin,
  model: StrategyModel,
  log: (line: string) => void,
): Promise<PositionStrategy> {
  const make = (): PositionStrategy => factory(contextOf(model))
  const strategy = firstOf(reference, make)
  checkName(`strategy ${reference}`, strategy.name, strategyNames)
  const cases = conformanceCases(make, { differentiable: tfDifferentiable })
  const failures: string[] = []
  for (const { name, run } of cases)
    await Promise.resolve()
      .then(run)
      .catch((error: Error) => failures.push(`“${name}”: ${error.message.replace(/^conformance: /, '')}`))
  if (failures.length)
    throw new Error(
      `strategy ${reference}: fails ${failures.length} of ${cases.length} conformance cases, ${failures[0]}`,
    )
  expectSizes(reference, strategy, model)
  log(`strategy ${strategy.name} (${reference}): ${cases.length} conformance cases hold`)
  return strategy
}

/** @throws Error, one line, for a strategy of other sizes than the model's */
function expectSizes(reference: string, strategy: PositionStrategy, model: StrategyModel): void {
  const { modelDim, numHeads, headDim } = contextOf(model)
  try {
    parameterShapes({ vocabularySize: 2, numLayers: 1, modelDim, numHeads, headDim }, strategy)
  } catch (error) {
    throw new Error(`strategy ${reference}: ${thrownText(error).replace(/^createModel: /, '')}`, { cause: error })
  }
}

/** @throws Error, one line, if the factory throws or makes something that is no strategy of this version */
function firstOf(reference: string, make: () => PositionStrategy): PositionStrategy {
  let made: PositionStrategy
  try {
    made = make()
  } catch (error) {
    throw new Error(`strategy ${reference}: cannot be made: ${thrownText(error)}`, { cause: error })
  }
  const version: unknown = made?.specVersion
  if (version === 1) return made
  throw new Error(
    typeof version === 'number'
      ? `strategy ${reference}: expected specVersion 1, got ${version}; it is for another version of @alibi/core than this bench has: update whichever is older`
      : `strategy ${reference}: expected its function to return a PositionStrategy, got ${made instanceof Promise ? 'a promise' : made === null ? 'null' : `${typeof made} without specVersion`}`,
  )
}
