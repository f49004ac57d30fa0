import { attentionNames, evaluate, generate, type Model } from '@alibi/transformer'
import { type Contestant, randomRows, timeSteps } from './contestant.js'
import type { Start } from './start.js'

/** Whether passes run as graphs or op by op. */
export interface Way {
  readonly compile: boolean
}

const nameOf = ({ compile }: Way) => (compile ? 'ours, alibi' : 'ours, op by op')

/** This project's evaluation of batches of a size; its graph is compiled before the first that counts. */
export async function ourReading(start: Start, way: Way, log: (line: string) => void): Promise<Contestant> {
  const { size, text } = start
  const { batch, length } = size
  const model = start.model()
  const options = { evalLength: length, batchTokens: batch * length, ...way }
  const [attention] = attentionNames(model, { batchSize: batch, length, compiled: way.compile })
  const { lossNats } = await evaluate(model, text, {
    ...options,
    onFallback: (reason) => log(`  ${nameOf(way)} runs op by op: ${reason}`),
  })
  log(`  ${nameOf(way)}: attention ${attention}`)
  return {
    name: nameOf(way),
    answers: [lossNats],
    async run(steps) {
      const rows = Array.from({ length: steps }, () => randomRows(size)).flat()
      const text = Int32Array.from([0, ...rows.flatMap((row) => [...row.subarray(1)])])
      const { tokens, tokensPerSecond } = await evaluate(model, text, options)
      return tokens / tokensPerSecond / steps
    },
    dispose: () => model.dispose(),
  }
}

/** −ln p of the last tokens of a text, read at once. */
const lossesOf = async (model: Model, text: Int32Array, count: number): Promise<number[]> => {
  const { byPlace } = await evaluate(model, text, { evalLength: text.length - 1 })
  return [...byPlace.lossNats.subarray(-count)]
}

/** This project's greedy decoding after a prompt of the size's length; reading the prompt is not timed. */
export async function ourDecoding(
  { size, text, model: modelOf }: Start,
  way: Way,
  log: (line: string) => void,
): Promise<Contestant> {
  const model = modelOf()
  const greedy = { temperature: 0, ...way }
  const prompt = text.subarray(0, -1)
  const first = await generate(model, prompt, {
    maxNewTokens: 8,
    ...greedy,
    onFallback: (reason) => log(`  ${nameOf(way)} runs op by op: ${reason}`),
  })
  const losses = await lossesOf(model, Int32Array.from([...prompt, ...first]), first.length)
  return {
    name: nameOf(way),
    // A peer's losses come from its cache.
    answers: [...(await lossesOf(model, text, 1)), ...first, ...losses],
    async run(steps) {
      const [prompt] = randomRows(size)
      const times: number[] = []
      const onToken = () => void times.push(performance.now())
      // The first token waits for the prompt, and for the graph.
      await generate(model, prompt!.subarray(1), { maxNewTokens: steps + 1, onToken, ...greedy })
      return (times.at(-1)! - times[0]!) / 1000 / steps
    },
    dispose: () => model.dispose(),
  }
}

/** The time up to the first token after a prompt of the size's length. */
export async function ourPrefill({ size, text, model: modelOf }: Start): Promise<Contestant> {
  const model = modelOf()
  return {
    name: 'ours, alibi',
    answers: await lossesOf(model, text, 1),
    run: (steps) =>
      timeSteps(steps, () => generate(model, randomRows(size)[0]!.subarray(1), { maxNewTokens: 1, temperature: 0 })),
    dispose: () => model.dispose(),
  }
}
