import { mkdir, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import type { NodeBackend } from '../src/compile/node-backend.js'
import { compile, selectBackend } from '../src/index.js'

const unprepared = await selectBackend('tensorflow').then(
  () => undefined,
  (error: Error) => error.message,
)
beforeAll(async () => {
  if (!unprepared) await tf.setBackend('tensorflow')
})

/** A small network with an embedding, its gradients and an optimizer with state, as a step of tensors. */
function network(seed: number) {
  const random = (shape: number[], i: number) => tf.variable(tf.randomNormal(shape, 0, 0.5, 'float32', seed + i))
  const [table, weight, velocity] = [random([11, 6], 1), random([6, 11], 2), tf.variable(tf.zeros([6, 11]))]
  const step = (tokens: tf.Tensor, targets: tf.Tensor, rate: tf.Tensor) => {
    const { value, grads } = tf.variableGrads(() => {
      const logits = tf.matMul(tf.tanh(tf.gather(table, tokens as tf.Tensor1D)) as tf.Tensor2D, weight as tf.Tensor2D)
      return tf.losses.softmaxCrossEntropy(tf.oneHot(targets as tf.Tensor1D, 11), logits) as tf.Scalar
    }, [table, weight])
    velocity.assign(tf.add(tf.mul(velocity, 0.9), grads[weight.name]!))
    weight.assign(tf.sub(weight, tf.mul(velocity, rate)))
    table.assign(tf.sub(table, tf.mul(grads[table.name]!, rate)))
    return [value]
  }
  return { variables: [table, weight, velocity], step }
}

const inputs = (i: number, length = 5) => [
  tf.tensor1d(
    Int32Array.from({ length }, (_, j) => (i * 3 + j * j) % 11),
    'int32',
  ),
  tf.tensor1d(
    Int32Array.from({ length }, (_, j) => (i + 2 * j) % 11),
    'int32',
  ),
  tf.scalar(0.1 / (1 + i)),
]

async function losses(run: (...all: tf.Tensor[]) => tf.Tensor[], steps: number, length?: number) {
  const all: number[] = []
  for (let i = 0; i < steps; i++) {
    const fed = inputs(i, length)
    const [loss] = run(...fed)
    all.push((await loss!.data())[0]!)
    tf.dispose([...fed, loss!])
  }
  return all
}

/** Writes a number [1] into the memory that it is given, whoever else has it. */
function writeSecond(variable: tf.Variable, value: tf.Tensor): tf.Tensor {
  const { executeSingleOutput, binding } = tf.backend() as unknown as NodeBackend
  return executeSingleOutput.call(
    tf.backend(),
    'InplaceUpdate',
    [{ name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT }],
    [variable, tf.tensor1d([1], 'int32'), value],
  )
}

describe('compile', () => {
  it.for([{ xla: true }, { xla: false }])(
    'gives the numbers of op-by-op execution over 100 steps (%j)',
    async ({ xla }, { skip }) => {
      skip(unprepared !== undefined, unprepared)
      const [plain, graph] = [network(1), network(1)]
      const want = await losses(
        (...all) => tf.tidy(() => plain.step(...(all as [tf.Tensor, tf.Tensor, tf.Tensor]))),
        100,
      )
      let compiledOps = 0
      const compiled = compile((...all) => graph.step(...(all as [tf.Tensor, tf.Tensor, tf.Tensor])), graph.variables, {
        xla,
        onCompile: ({ numOps }) => {
          compiledOps = numOps
        },
        onFallback: (reason) => expect.fail(reason),
      })
      expect(await losses(compiled, 100)).toBeAllclose(want, { rtol: 1e-5 })
      expect(compiledOps).toBeGreaterThan(20)
      expect((await readdir(tmpdir())).filter((name) => name.startsWith(`alibi-step-${process.pid}-`))).toEqual([])
      compiled.sync()
      for (const [i, variable] of graph.variables.entries())
        expect(await variable.data()).toBeAllclose(await plain.variables[i]!.data(), { rtol: 1e-4, atol: 1e-6 })
      compiled.dispose()
    },
  )

  it('follows shapes, and variables that something else assigns', async ({ skip }) => {
    skip(unprepared !== undefined, unprepared)
    const [plain, graph] = [network(2), network(2)]
    const compiled = compile((...all) => graph.step(...(all as [tf.Tensor, tf.Tensor, tf.Tensor])), graph.variables, {
      maxShapes: 2,
    })
    const eager = (...all: tf.Tensor[]) => tf.tidy(() => plain.step(...(all as [tf.Tensor, tf.Tensor, tf.Tensor])))
    for (const length of [5, 7, 5, 3, 7]) {
      expect(await losses(compiled, 3, length)).toBeAllclose(await losses(eager, 3, length), { rtol: 1e-5 })
      compiled.sync()
      for (const { variables } of [plain, graph]) tf.tidy(() => variables[1]!.assign(tf.mul(variables[1]!, 1.1)))
    }
    compiled.dispose()
  })

  it('shares the memory of variables with its graphs', async ({ skip }) => {
    skip(unprepared !== undefined, unprepared)
    const variable = tf.variable(tf.zeros([3]))
    const graphs = [1, 2].map((factor) =>
      compile((x) => [tf.mul(writeSecond(variable, x!), factor)], [variable], { xla: false }),
    )
    for (const value of [3, 4, 5])
      for (const [i, graph] of graphs.entries()) {
        const [written] = graph(tf.tensor1d([value + i]))
        expect([...(await written!.data())]).toEqual([0, (value + i) * (i + 1), 0])
        // Nothing was assigned or downloaded: a copy would not have changed.
        expect([...(await variable.data())]).toEqual([0, value + i, 0])
      }
    for (const graph of graphs) graph.dispose()
  })

  it('shares it from a graph that assigns to one that reads, as from training to evaluation', async ({ skip }) => {
    skip(unprepared !== undefined, unprepared)
    const variable = tf.variable(tf.tensor1d([1, 2, 3]))
    const training = compile(
      (x) => {
        variable.assign(tf.add(variable, x!))
        return [tf.sum(variable)]
      },
      [variable],
      { xla: false },
    )
    const evaluation = compile((x) => [tf.mul(writeSecond(variable, x!), 2)], [variable], { xla: false })
    const trained = async () => {
      const [sum] = training(tf.scalar(10))
      training.sync()
      return (await sum!.data())[0]
    }
    const written = async (value: number) => [...(await evaluation(tf.tensor1d([value]))[0]!.data())]
    expect(await trained()).toBe(36)
    for (const [i, value] of [100, 200, 300].entries()) {
      const [first, third] = [11 + 10 * i, 13 + 10 * i]
      expect(await written(value)).toEqual([2 * first, 2 * value, 2 * third])
      // Nothing was assigned or uploaded: had anybody a copy, it would not have changed.
      expect([...(await variable.data())]).toEqual([first, value, third])
      expect(await trained()).toBe(first + value + third + 30)
    }
    for (const graph of [training, evaluation]) graph.dispose()
  })

  it('runs op by op what is no graph, and says why once', async ({ skip }) => {
    skip(unprepared !== undefined, unprepared)
    const reasons: string[] = []
    const counter = tf.variable(tf.scalar(1))
    const reading = compile(
      (x) => {
        counter.assign(tf.scalar(tf.mul(x!, counter).dataSync()[0]!))
        return [tf.clone(counter)]
      },
      [counter],
      { onFallback: (reason) => void reasons.push(reason) },
    )
    const results: number[] = []
    for (let i = 0; i < 3; i++) results.push((await reading(tf.scalar(2))[0]!.data())[0]!)
    expect(results).toEqual([2, 4, 8])
    expect(reasons).toEqual(['the step reads the result of Mul on the host'])
  })

  it('says each reason once, of whatever shapes', async ({ skip }) => {
    skip(unprepared !== undefined, unprepared)
    const reasons: string[] = []
    const reading = compile(
      (x) => {
        // One length reads a sum, the others a product.
        const read = (x!.size === 2 ? tf.add(x!, 1) : tf.mul(x!, 2)).dataSync()
        return [tf.tensor1d(read)]
      },
      [],
      { onFallback: (reason) => void reasons.push(reason) },
    )
    for (const length of [1, 2, 3, 2, 1]) tf.dispose(tf.tidy(() => reading(tf.ones([length]))))
    expect(reasons).toEqual([
      'the step reads the result of Mul on the host',
      'the step reads the result of Add on the host',
    ])
  })

  it('runs op by op on another backend', async () => {
    const before = tf.getBackend()
    await tf.setBackend('cpu')
    const reasons: string[] = []
    const double = compile((x) => [tf.mul(x!, 2)], [], { onFallback: (reason) => void reasons.push(reason) })
    expect((await double(tf.scalar(2))[0]!.data())[0]).toBe(4)
    expect(reasons).toEqual(['the cpu backend runs op by op'])
    await tf.setBackend(before)
  })

  it('removes what a killed process left', async ({ skip }) => {
    skip(unprepared !== undefined, unprepared)
    // No process has this number: it is above Linux's largest.
    const left = 'alibi-step-4194399-x'
    await mkdir(join(tmpdir(), left), { recursive: true })
    const double = compile((x) => [tf.mul(x!, 2)], [])
    tf.dispose(double(tf.scalar(2)))
    double.dispose()
    expect(await readdir(tmpdir())).not.toContain(left)
  })

  it('frees what it allocates', async ({ skip }) => {
    skip(unprepared !== undefined, unprepared)
    const { step, variables } = network(3)
    const compiled = compile((...all) => step(...(all as [tf.Tensor, tf.Tensor, tf.Tensor])), variables)
    const native = tf.backend() as unknown as {
      getNumOfTFTensors(): number
      binding: { getNumOfSavedModels(): number }
    }
    await losses(compiled, 3)
    compiled.sync()
    const before = [tf.memory().numTensors, native.getNumOfTFTensors()]
    await losses(compiled, 100)
    compiled.sync()
    expect([tf.memory().numTensors, native.getNumOfTFTensors()]).toEqual(before)
    compiled.dispose()
    expect(native.binding.getNumOfSavedModels()).toBe(0)
  })
})
