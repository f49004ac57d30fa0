import { fileURLToPath } from 'node:url'
import { compile, type Replicas } from '@alibi/backend'
import { attentionNames, createTrainer } from '@alibi/transformer'
import { type Absent, type Contestant, randomRows, type Size, timeSteps } from './contestant.js'
import { type InProcess, inProcess } from './process.js'
import { rowsOf, type Start } from './start.js'

const script = fileURLToPath(new URL('./ours-process.js', import.meta.url))

/**
 * This project's step with a strategy; its graph is compiled before it is returned.
 *
 * @param replicas - that take it together. Default: this one alone
 */
export async function ours(
  { size, text, model: modelOf }: Pick<Start, 'size' | 'text' | 'model'>,
  strategy: string,
  log: (line: string) => void,
  replicas?: Replicas,
): Promise<Contestant> {
  const model = modelOf(strategy)
  const trainer = createTrainer(
    model,
    { kind: 'adamw', learningRate: 1e-3 },
    {
      replicas,
      compile: (step, variables) =>
        compile(step, variables, {
          replicas,
          onCompile: ({ numOps, seconds }) => log(`  ${strategy}: ${numOps} ops compiled in ${seconds.toFixed(1)} s`),
          onFallback: (reason) => log(`  ${strategy} runs op by op: ${reason}`),
        }),
    },
  )
  const [attention] = attentionNames(model, { batchSize: size.batch, length: size.length, trains: true })
  log(`  ${strategy}: attention ${attention}`)
  const answers: number[] = []
  for (let i = 0; i < 3; i++) answers.push(await trainer.trainStep(rowsOf(text, size)))
  return {
    name: `ours, ${strategy}`,
    answers,
    run: (steps) => timeSteps(steps, () => trainer.trainStep(randomRows(size))),
    dispose() {
      trainer.dispose()
      model.dispose()
    },
  }
}

/** The same in a process of its own, whose memory is what it takes and nothing else. */
export function oursAlone(size: Size): Promise<InProcess | Absent> {
  return inProcess({
    name: 'ours, alibi',
    command: process.execPath,
    args: [script, JSON.stringify(size)],
    reason: 'tfjs-node does not run in another process',
  })
}
