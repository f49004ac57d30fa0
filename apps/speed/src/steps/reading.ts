import { builtInStrategies } from '@alibi/strategies'
import { attentionNames, createModel, evaluate, generate, type Model } from '@alibi/transformer'
import { type Contestant, randomRows, type Size } from './contestant.js'

/** Whether passes run as graphs or op by op. */
export interface Way {
  readonly compile: boolean
}

const modelOf = ({
  layers: numLayers,
  dim: modelDim,
  heads: numHeads,
  vocabulary: vocabularySize,
  length,
}: Size): Model =>
  createModel(
    { vocabularySize, numLayers, modelDim, numHeads },
    builtInStrategies.make('alibi', { numHeads, modelDim, trainLength: length }),
  )

const nameOf = ({ compile }: Way) => (compile ? 'ours, alibi' : 'ours, op by op')

/** This project's evaluation of batches of a size; its graph is compiled before the first that counts. */
export function ourReading(size: Size, way: Way, log: (line: string) => void): Contestant {
  const { batch, length } = size
  const model = modelOf(size)
  const options = { evalLength: length, batchTokens: batch * length, ...way }
  const [attention] = attentionNames(model, { batchSize: batch, length, compiled: way.compile })
  log(`  ${nameOf(way)}: attention ${attention}`)
  return {
    name: nameOf(way),
    async run(steps) {
      const rows = Array.from({ length: steps }, () => randomRows(size)).flat()
      const text = Int32Array.from([0, ...rows.flatMap((row) => [...row.subarray(1)])])
      const { tokens, tokensPerSecond } = await evaluate(model, text, options)
      return tokens / tokensPerSecond / steps
    },
    dispose: () => model.dispose(),
  }
}

/** This project's greedy decoding after a prompt of the size's length; reading the prompt is not timed. */
export function ourDecoding(size: Size, way: Way): Contestant {
  const model = modelOf(size)
  return {
    name: nameOf(way),
    async run(steps) {
      const [prompt] = randomRows({ ...size, batch: 1 })
      const times: number[] = []
      const onToken = () => void times.push(performance.now())
      // The first token waits for the prompt, and for the graph.
      await generate(model, prompt!.subarray(1), { maxNewTokens: steps + 1, temperature: 0, onToken, ...way })
      return (times.at(-1)! - times[0]!) / 1000 / steps
    },
    dispose: () => model.dispose(),
  }
}
