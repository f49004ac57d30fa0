// Small operations in a row run as one, and give what each gives alone.
import { seededRandom } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, it } from 'vitest'
import { seed } from '../../transformer/test/seed.js'
import type { NodeBackend } from '../src/compile/node-backend.js'
import { compile, selectBackend } from '../src/index.js'

const backendOf = () => tf.backend() as unknown as NodeBackend & { binding: { getNumOfSavedModels(): number } }
const unavailable = await selectBackend('tensorflow').then(
  () => (backendOf().chains ? undefined : 'our operations are not prepared'),
  (error: Error) => error.message,
)

const random = seededRandom(seed)
const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1)
/** Between 0.5 and 2, so that logarithms and quotients are harmless. */
const numbers = (...shape: number[]) =>
  tf.tensor(
    Float32Array.from({ length: sizeOf(shape) }, () => 0.5 + 1.5 * random()),
    shape,
  )
const integers = (limit: number, ...shape: number[]) =>
  tf.tensor(
    Int32Array.from({ length: sizeOf(shape) }, () => Math.floor(limit * random())),
    shape,
    'int32',
  )

/** How many chains and graphs there are. */
const held = () => [backendOf().chains!.numChains(), backendOf().binding.getNumOfSavedModels()]

type Step = (...inputs: tf.Tensor[]) => tf.Tensor | tf.Tensor[]
const listOf = (results: tf.Tensor | tf.Tensor[]) => (Array.isArray(results) ? results : [results])

/** Runs a step compiled, twice, and op by op. @returns chains and graphs that it was */
async function compare(step: Step, inputs: tf.Tensor[], variables: tf.Variable[] = []): Promise<number[]> {
  const [chains, graphs] = held() as [number, number]
  const compiled = compile((...all) => listOf(step(...all)), variables, {
    xla: false,
    onFallback: (reason) => expect.fail(reason),
  })
  const want = tf.tidy(() => listOf(step(...inputs)))
  for (let run = 0; run < 2; run++) {
    const got = compiled(...inputs)
    for (const [i, tensor] of got.entries()) {
      expect(tensor.shape).toEqual(want[i]!.shape)
      expect(tensor.dtype).toBe(want[i]!.dtype)
      // The functions of TensorFlow and of the C library differ in the last places.
      expect(await tensor.data()).toBeAllclose(Float32Array.from(await want[i]!.data()), { rtol: 3e-6, atol: 3e-6 })
    }
    tf.dispose(got)
  }
  const made = [held()[0]! - chains, held()[1]! - graphs]
  compiled.dispose()
  expect(held()).toEqual([chains, graphs])
  return made
}

/** Four operations more, so that few are a chain too. */
const padded = (x: tf.Tensor) => tf.sub(tf.add(tf.mul(tf.neg(x), 2), 1), 3)

const [A, B] = [() => numbers(2, 3, 5), () => numbers(3, 1)]
// biome-ignore format: a table
const ONE: readonly (readonly [string, Step, () => tf.Tensor[]])[] = [
  ['add', (a, b) => tf.add(a!, b!), () => [A(), B()]],
  ['sub', (a, b) => tf.sub(b!, a!), () => [A(), B()]],
  ['mul', (a, b) => tf.mul(a!, b!), () => [A(), numbers()]],
  ['div', (a, b) => tf.div(a!, b!), () => [A(), numbers(5)]],
  ['pow', (a, b) => tf.pow(a!, b!), () => [A(), numbers(2, 1, 1)]],
  ['maximum', (a, b) => tf.maximum(a!, b!), () => [A(), A()]],
  ['minimum', (a, b) => tf.minimum(a!, b!), () => [A(), B()]],
  ['less', (a, b) => tf.cast(tf.less(a!, b!), 'float32'), () => [A(), A()]],
  ['less or equal', (a, b) => tf.cast(tf.lessEqual(a!, b!), 'float32'), () => [A(), B()]],
  ['greater', (a, b) => tf.cast(tf.greater(a!, b!), 'float32'), () => [A(), B()]],
  ['greater or equal', (a, b) => tf.cast(tf.greaterEqual(a!, b!), 'float32'), () => [A(), A()]],
  ['integers', (a, b) => tf.cast(tf.maximum(tf.minimum(tf.sub(tf.add(a!, b!), tf.scalar(3, 'int32')), tf.scalar(5, 'int32')), a!), 'float32'), () => [integers(9, 4, 5), integers(9, 5)]],
  ['to integers', (a) => tf.cast(tf.cast(tf.mul(a!, -7), 'int32'), 'float32'), () => [A()]],
  ['abs', (a) => tf.abs(tf.sub(a!, 1)), () => [A()]],
  ['floor', (a) => tf.floor(tf.mul(tf.sub(a!, 1), 9)), () => [A()]],
  ['relu', (a) => tf.relu(tf.sub(a!, 1)), () => [A()]],
  ['exp', (a) => tf.exp(a!), () => [A()]],
  ['log', (a) => tf.log(a!), () => [A()]],
  ['log1p', (a) => tf.log1p(a!), () => [A()]],
  ['sigmoid', (a) => tf.sigmoid(a!), () => [A()]],
  ['sqrt', (a) => tf.sqrt(a!), () => [A()]],
  ['square', (a) => tf.square(a!), () => [A()]],
  ['sum of rows', (a) => tf.sum(a!, -1), () => [A()]],
  ['softmax', (a) => tf.softmax(tf.mul(a!, 9)), () => [A()]],
  ['reshape', (a) => tf.reshape(a!, [5, 6]), () => [A()]],
  ['transpose', (a) => tf.transpose(a!, [2, 0, 1]), () => [A()]],
  ['transpose of what is in place', (a) => tf.transpose(a!, [1, 0, 2]), () => [numbers(1, 3, 5)]],
  ['split along the first axis', (a) => tf.add(...(tf.split(a!, 2, 0) as [tf.Tensor, tf.Tensor])), () => [A()]],
  ['split along the last axis', (a) => tf.concat(tf.split(a!, [1, 3, 1], -1).reverse(), -1), () => [A()]],
  ['slice', (a) => tf.slice(a!, [1, 0, 2], [1, 3, 2]), () => [A()]],
  ['slice in one piece', (a) => tf.slice(a!, [1, 0, 0], [1, 3, 5]), () => [A()]],
  ['concat', (a, b) => tf.concat([a!, b!, a!], 1), () => [A(), numbers(2, 1, 5)]],
  ['stack', (a, b) => tf.stack([a!, b!], 1), () => [A(), A()]],
  ['concat of nothing', (a, b) => tf.concat([a!, b!], 1), () => [numbers(0, 2), numbers(0, 3)]],
  ['tile', (a) => tf.tile(a!, [2, 1, 3]), () => [A()]],
  ['pad', (a) => tf.pad(a!, [[1, 0], [0, 2], [3, 1]], 7), () => [A()]],
  ['gather', (a, i) => tf.gather(a!, i!, 0), () => [numbers(7, 3), integers(7, 4)]],
  ['gather along an inner axis', (a, i) => tf.gather(a!, i!, 2), () => [A(), integers(5, 4)]],
  ['gatherND', (a, i) => tf.gatherND(a!, i!), () => [A(), integers(2, 6, 2)]],
  ['product', (a, b) => tf.matMul(a!, b!), () => [numbers(2, 3, 5), numbers(2, 5, 70)]],
  ['product with a transpose', (a, b) => tf.matMul(a!, b!, false, true), () => [numbers(1, 37), numbers(131, 37)]],
  ['product of one matrix and several', (a, b) => tf.matMul(a!, b!), () => [numbers(4, 2, 5), numbers(5, 3)]],
]

describe.skipIf(unavailable)(`chains${unavailable ? ` (skipped: ${unavailable})` : ''} (seed ${seed})`, () => {
  beforeAll(async () => void (await tf.setBackend('tensorflow')))

  it.each(ONE)('%s', async (_name, step, inputs) => {
    const more: Step = (...all) => padded(listOf(step(...all))[0]!)
    expect(await compare(more, inputs())).toEqual([1, 0])
  })

  const odd = () => tf.tensor1d([Number.NaN, Infinity, -Infinity, -0, 0, 1e-30, 3e38])
  // biome-ignore format: a table
  it.each([
    ['maximum', (a, b) => tf.maximum(a!, b!)],
    ['minimum', (a, b) => tf.minimum(a!, b!)],
    ['of the other, too', (a, b) => tf.maximum(tf.minimum(b!, a!), a!)],
    ['clip', (a) => tf.clipByValue(a!, -1, 1)],
    ['relu', (a) => tf.relu(a!)],
    ['functions', (a) => tf.add(tf.sigmoid(a!), tf.add(tf.exp(a!), tf.floor(tf.abs(a!))))],
    ['a relation', (a, b) => tf.cast(tf.lessEqual(a!, b!), 'float32')],
    ['softmax', (a) => tf.softmax(a!)],
  ] as readonly (readonly [string, Step])[])('keeps what is no number, or infinite: %s', async (_name, step) => {
    const one = () => tf.tensor1d([1, 1, 1, 1, 1, 1, 1])
    expect(await compare((a, b) => padded(listOf(step(a!, b!))[0]!), [odd(), one()])).toEqual([1, 0])
  })

  it('sums long rows as exactly as TensorFlow', async () => {
    expect(await compare((a) => [padded(tf.sum(a!, 1)), padded(tf.softmax(a!))], [numbers(2, 30000)])).toEqual([1, 0])
  })

  it('takes an empty batch', async () => {
    expect(await compare((a, b) => padded(tf.matMul(a!, b!)), [numbers(1, 2, 3), numbers(0, 3, 4)])).toEqual([1, 0])
  })

  it('gives several results, and one of what comes of constants', async () => {
    const step: Step = (a) => [padded(a!), tf.exp(padded(a!)), tf.add(a!, tf.add(tf.scalar(1), 2))]
    expect(await compare(step, [A()])).toEqual([1, 0])
  })

  it('writes in variables in place, which others see', async () => {
    const slots = tf.variable(tf.zeros([6, 2]))
    const write = (rows: tf.Tensor, values: tf.Tensor) => {
      const type = [{ name: 'T', type: backendOf().binding.TF_ATTR_TYPE, value: backendOf().binding.TF_FLOAT }]
      const written = backendOf().executeSingleOutput('InplaceUpdate', type, [slots, rows, values])
      slots.assign(written as tf.Tensor2D)
      return [padded(written), padded(tf.sum(written, 1))]
    }
    const step = compile((rows, values) => write(rows!, tf.add(values!, 1)), [slots], { xla: false })
    const before = held()
    for (const row of [4, 1, 4]) {
      const [rows, values] = [tf.tensor1d([row, 0], 'int32'), tf.fill([2, 2], row)]
      const [all] = step(rows, values)
      const want = (await slots.array()) as number[][]
      expect(want[row]).toEqual([row + 1, row + 1])
      expect(await padded(slots).array()).toEqual(await all!.array())
    }
    expect(held()).toEqual([before[0]! + 1, before[1]!])
    step.dispose()
    expect(await slots.array()).toEqual([[5, 5], [2, 2], [0, 0], [0, 0], [5, 5], [0, 0]]) // biome-ignore format: a table
  })

  it('counts rows of a variable around, and keeps what was read before it was written', async () => {
    const slots = tf.variable(numbers(4, 3))
    const start = (await slots.array()) as number[][]
    const step = compile((rows, values) => {
      const before = tf.slice(slots, [3, 0], [1, 3])
      const { TF_ATTR_TYPE: type, TF_FLOAT: value } = backendOf().binding
      const written = backendOf().executeSingleOutput('InplaceUpdate', [{ name: 'T', type, value }], [slots, rows!, values!])
      slots.assign(written as tf.Tensor2D)
      return [padded(before), padded(written)]
    }, [slots], { xla: false }) // biome-ignore format: short
    // The first call records the step, which writes too.
    const at = tf.tensor1d([-1, 6], 'int32')
    step(at, tf.tensor2d([start[3]!, start[2]!]))
    const [before, written] = step(at, tf.ones([2, 3]))
    expect(await before!.array()).toEqual(await padded(tf.tensor2d([start[3]!])).array())
    expect(await written!.array()).toEqual(
      await padded(tf.tensor2d([start[0]!, start[1]!, [1, 1, 1], [1, 1, 1]])).array(),
    )
    step.dispose()
  })

  it('shares variables between a chain for one shape and a graph for another', async () => {
    const sums = tf.variable(tf.zeros([2, 2]))
    const { TF_ATTR_TYPE: type, TF_FLOAT: value } = backendOf().binding
    const step = compile((x) => {
      const last = tf.reshape(tf.sum(padded(x!), 0), [1, 2])
      const values = x!.size > 4 ? tf.erf(last) : last
      const rows = tf.tensor1d([x!.size > 4 ? 1 : 0], 'int32')
      const written = backendOf().executeSingleOutput('InplaceUpdate', [{ name: 'T', type, value }], [sums, rows, values])
      sums.assign(written as tf.Tensor2D)
      return [tf.add(tf.mul(padded(written), 1), 0)]
    }, [sums], { xla: false }) // biome-ignore format: short
    const [short, long] = [tf.ones([2, 2]), tf.ones([3, 2])]
    const wanted = [padded(short), padded(long)].map((x) => tf.sum(x, 0))
    const rows = [await wanted[0]!.array(), await tf.erf(wanted[1]!).array()] as number[][]
    for (const x of [short, long, short, long]) {
      const [all] = step(x)
      step.sync()
      expect(await all!.array()).toEqual(await padded(sums).array())
    }
    expect(await sums.data()).toBeAllclose(Float32Array.from(rows.flat()), { rtol: 1e-6 })
    step.dispose()
  })

  const large = () => numbers(300, 300)
  // biome-ignore format: a table
  it.each([
    ['a part that no chain does', (a) => padded(tf.erf(padded(a!))), () => [A()], [2, 1]],
    ['results of two parts', (a) => [padded(a!), padded(tf.erf(padded(a!)))], () => [A()], [2, 1]],
    ['what is large', (a) => padded(a!), () => [large()], [0, 1]],
    ['a product of what is large', (a) => padded(tf.sum(tf.matMul(a!, a!), 0)), () => [large()], [1, 1]],
    ['few operations', (a) => tf.add(a!, 1), () => [A()], [0, 1]],
    ['an integer result', (a) => tf.cast(padded(a!), 'int32'), () => [A()], [0, 1]],
    ['what is given back as it came', (a) => [padded(a!), tf.reshape(a!, [30])], () => [A()], [1, 1]],
    ['one result twice', (a) => { const x = padded(a!); return [x, x] }, () => [A()], [1, 1]],
  ] as readonly (readonly [string, Step, () => tf.Tensor[], number[]])[])(
    'has a graph for %s',
    async (_name, step, inputs, made) => {
      expect(await compare(step, inputs())).toEqual(made)
    },
  )

  it('has a graph where a variable is assigned, not written in place', async () => {
    const variable = tf.variable(numbers(4))
    const start = await variable.array()
    const step = compile((a) => {
      variable.assign(padded(tf.add(variable, a!)) as tf.Tensor1D)
      return [tf.mul(variable, 2)]
    }, [variable], { xla: false }) // biome-ignore format: short
    const before = held()
    const [result] = step(tf.tensor1d([1, 2, 3, 4]))
    step.sync()
    const want = tf.tensor(start).add([1, 2, 3, 4])
    expect(await variable.data()).toBeAllclose(Float32Array.from(await padded(want).data()), { rtol: 1e-6 })
    expect(await result!.data()).toBeAllclose(
      Float32Array.from(await variable.data(), (x) => 2 * x),
      { rtol: 1e-6 },
    )
    expect(held()[1]).toBe(before[1]! + 1)
    step.dispose()
  })

  it('leaves no tensor behind', () => {
    const native = backendOf() as unknown as { getNumOfTFTensors(): number }
    const input = A()
    // TensorFlow has it from its first use on.
    tf.neg(input).dispose()
    const count = () => [tf.memory().numTensors, native.getNumOfTFTensors()]
    const before = count()
    const step = compile((a) => [padded(tf.add(a!, tf.range(0, 5)))], [], { xla: false })
    tf.dispose(step(input))
    const [, once] = count()
    for (let i = 0; i < 3; i++) tf.dispose(step(input))
    expect(count()[1]).toBe(once)
    step.dispose()
    expect(count()).toEqual(before)
  })

  it.each([
    ['gather', (x, i) => tf.gather(x, i, 0), [7, 3], [4, 7]],
    ['gather along an inner axis', (x, i) => tf.gather(x, i, 1), [2, 7], [-1]],
    ['gatherND', (x, i) => tf.gatherND(x, i), [2, 7], [[1, 7]]],
  ] as const satisfies readonly (readonly [string, (x: tf.Tensor, i: tf.Tensor) => tf.Tensor, number[], unknown])[])(
    'refuses an index that is not there, as TensorFlow does: %s',
    (_name, gather, shape, outside) => {
      const step = compile((x, i) => [padded(gather(x!, i!))], [], { xla: false })
      const indices = tf.tensor(outside as tf.TensorLike, undefined, 'int32')
      const x = numbers(...shape)
      tf.dispose(step(x, tf.zerosLike(indices)))
      expect(() => step(x, indices)).toThrow('expected indices within what is gathered from')
      expect(() => gather(x, indices).dataSync()).toThrow()
      step.dispose()
    },
  )

  it('says so when a program is gone', () => {
    const { binding, chains } = backendOf()
    const sizes = {
      chain: chains!.keepChain(Int32Array.of(0, 0, 0, 0)),
      num_floats: 0,
      num_integers: 0,
      num_results: 0,
    }
    const attributes = Object.entries(sizes).map(([name, value]) => ({ name, type: binding.TF_ATTR_INT, value }))
    expect(binding.executeOp('AlibiChain', attributes, [], 0)).toEqual([])
    chains!.dropChain(sizes.chain)
    expect(() => binding.executeOp('AlibiChain', attributes, [], 0)).toThrow('its program was dropped')
  })
})
