import { fail } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { type AttentionDropout, type AttentionKernel, refusal } from '../kernels/attention/kernel.js'
import type { AttentionCase } from './case.js'
import { compare } from './compare.js'
import { compute } from './compute.js'
import { numbersOf, problemOf, type Situation } from './situations.js'

/** Where this layer's seeds begin. */
const SEED = [3, 4096] as const

/** For kernels that drop weights; a situation that the kernel trains. */
export function dropoutCases(kernel: AttentionKernel, plain: Situation): readonly AttentionCase[] {
  const situation = { ...plain, queriesPerTile: 3 }
  const problem = problemOf(situation, tf.getBackend(), true)
  if (refusal(kernel, { ...problem, asks: [...problem.asks, 'dropout'] }) !== undefined) return []
  return [
    {
      name: 'multiplies weights by the factors of dropout, forward and backward',
      async run() {
        const numbers = numbersOf(situation)
        const doubled = await dropping(kernel, situation, (shape) => tf.fill([...shape], 2))
        const halved = Object.fromEntries(Object.entries(doubled).map(([name, x]) => [name, x.map((each) => each / 2)]))
        compare(`${kernel.name}, halved after factors of 2,`, situation, numbers, halved, true)
      },
    },
    {
      name: 'drops the same weights forward and backward',
      async run() {
        const forward = await asked(kernel, situation, false)
        const both = await asked(kernel, situation, true)
        const more = [...both].filter((each) => !forward.has(each))
        if (more.length)
          fail('attentionCases', `${kernel.name} to ask for the factors of its forward pass again`, more.join(' and '))
      },
    },
    {
      name: 'keeps to its own seeds of dropout',
      async run() {
        for (const each of await asked(kernel, situation, true)) {
          const [first, second] = each.split(' of ')[1]!.split(',').map(Number) as [number, number]
          if (first !== SEED[0] || second < SEED[1] || second >= SEED[1] + 4096)
            fail('attentionCases', `seeds of ${kernel.name} from ${SEED} to 4,095 further on`, `${first},${second}`)
        }
      },
    },
  ]
}

type Keep = AttentionDropout['keep']

function dropping(kernel: AttentionKernel, situation: Situation, keep: Keep, trains = true) {
  const seed = tf.tensor1d([...SEED], 'int32')
  return compute(kernel, situation, numbersOf(situation), trains, { seed, keep }).finally(() => seed.dispose())
}

/** Shapes and seeds that a pass asks factors for. */
async function asked(kernel: AttentionKernel, situation: Situation, trains: boolean): Promise<ReadonlySet<string>> {
  const all = new Set<string>()
  const keep: Keep = (shape, seed) => {
    all.add(`${shape.join('×')} of ${seed.dataSync().join()}`)
    return tf.ones([...shape])
  }
  await dropping(kernel, situation, keep, trains)
  return all
}
