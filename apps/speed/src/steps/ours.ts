import { compile } from '@alibi/backend'
import { builtInStrategies } from '@alibi/strategies'
import { attentionNames, createModel, createTrainer } from '@alibi/transformer'
import { type Contestant, randomRows, type Size, timeSteps } from './contestant.js'

/** This project's step with a strategy; its graph is compiled before it is returned. */
export async function ours(size: Size, strategy: string, log: (line: string) => void): Promise<Contestant> {
  const { layers: numLayers, dim: modelDim, heads: numHeads, vocabulary: vocabularySize } = size
  const model = createModel(
    { vocabularySize, numLayers, modelDim, numHeads },
    builtInStrategies.make(strategy, { numHeads, modelDim, trainLength: size.length }),
  )
  const trainer = createTrainer(
    model,
    { kind: 'adamw', learningRate: 1e-3 },
    {
      compile: (step, variables) =>
        compile(step, variables, {
          onCompile: ({ numOps, seconds }) => log(`  ${strategy}: ${numOps} ops compiled in ${seconds.toFixed(1)} s`),
          onFallback: (reason) => log(`  ${strategy} runs op by op: ${reason}`),
        }),
    },
  )
  const [attention] = attentionNames(model, { batchSize: size.batch, length: size.length, trains: true })
  log(`  ${strategy}: attention ${attention}`)
  const step = () => trainer.trainStep(randomRows(size))
  await step()
  return {
    name: `ours, ${strategy}`,
    run: (steps) => timeSteps(steps, step),
    dispose() {
      trainer.dispose()
      model.dispose()
    },
  }
}
