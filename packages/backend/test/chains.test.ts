// Small operations in a row run as one, and give what each gives alone.
import { availableParallelism } from 'node:os'
import { seededRandom } from '@alibi/core'
import * as tf from '@tensorflow/tfjs'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { seed } from '../../transformer/test/seed.js'
import type { Chains, NodeBackend } from '../src/compile/node-backend.js'
import { compile, selectBackend } from '../src/index.js'

/** The compiled `native/operations.cc`. */
interface Addon extends Chains {
  useInstructions(set: string): void
  setThreads(count: number): void
}
interface Backend extends NodeBackend {
  readonly binding: NodeBackend['binding'] & { getNumOfSavedModels(): number }
  readonly chains?: Addon
  executeMultipleOutputs(name: string, attributes: object[], inputs: tf.Tensor[], numOutputs: number): tf.Tensor[]
}
const backendOf = () => tf.backend() as unknown as Backend
const unavailable = await selectBackend('tensorflow').then(
  () => (backendOf().chains ? undefined : 'our operations are not prepared'),
  (error: Error) => error.message,
)

/** Instruction sets with which a chain takes operations of any size: whole steps. */
const wide = unavailable ? [] : backendOf().chains!.instructionSets.filter((set) => set !== 'plain')
/** Chains and graphs of what is too large for a chain in a graph. */
const LARGE = wide.length > 0 ? [1, 0] : [0, 1]

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
  ['tanh', (a) => tf.tanh(tf.mul(tf.sub(a!, 1), 5)), () => [numbers(7, 41)]],
  ['erf', (a) => tf.erf(tf.mul(tf.sub(a!, 1), 4)), () => [numbers(7, 41)]],
  ['sign', (a) => tf.sign(tf.floor(a!)), () => [A()]],
  ['reverse', (a) => tf.reverse(a!, [0, -1]), () => [A()]],
  ['where', (a, b) => tf.where(tf.less(a!, b!), a!, tf.neg(b!)), () => [A(), A()]],
  ['both', (a, b) => tf.cast(tf.logicalAnd(tf.less(a!, b!), tf.greater(a!, 1)), 'float32'), () => [A(), A()]],
  ['both, of which one is constant', (a) => tf.cast(tf.logicalAnd(tf.less(a!, 1), tf.tensor([true, false, true, true, false], [5], 'bool')), 'float32'), () => [A()]],
  ['zeros of the shape', (a) => tf.add(tf.zerosLike(tf.div(a!, 0)), a!), () => [A()]],
  ['relations of integers', (a, b) => tf.cast(tf.add(tf.cast(tf.less(a!, b!), 'int32'), tf.cast(tf.greaterEqual(a!, b!), 'int32')), 'float32'), () => [integers(9, 4, 5), integers(9, 5)]],
  ['gather of integers', (a, i) => tf.cast(tf.gather(a!, i!), 'float32'), () => [integers(99, 7), integers(7, 4)]],
  ['square', (a) => tf.square(a!), () => [A()]],
  ['sum of rows', (a) => tf.sum(a!, -1), () => [A()]],
  ['sum of all', (a) => tf.reshape(tf.sum(a!), [1]), () => [A()]],
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
    ['tanh and erf', (a) => tf.add(tf.tanh(a!), tf.erf(a!))],
    ['what is no number', (a, b) => tf.where(tf.isNaN(a!), b!, a!)],
    ['sign', (a) => tf.sign(a!)],
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
    ['a part that no chain does', (a) => padded(tf.sin(padded(a!))), () => [A()], [2, 1]],
    ['results of two parts', (a) => [padded(a!), padded(tf.sin(padded(a!)))], () => [A()], [2, 1]],
    ['what is large beside what no chain does', (a) => padded(tf.sin(padded(a!))), () => [large()], [0, 1]],
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

  // biome-ignore format: a table
  it.each([
    ['what is large', (a) => padded(a!), LARGE],
    ['a product of what is large', (a) => padded(tf.sum(tf.matMul(a!, a!), 0)), wide.length > 0 ? [1, 0] : [1, 1]],
  ] as readonly (readonly [string, Step, number[]])[])('has a chain, where products are ours, for %s', async (_, step, made) => {
    expect(await compare(step, [large()])).toEqual(made)
  })

  it('assigns a variable', async () => {
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
    expect(held()).toEqual(before.map((count, i) => count! + LARGE[i]!))
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

/** Between −1 and 1. */
const signed = (...shape: number[]) =>
  tf.tensor(
    Float32Array.from({ length: sizeOf(shape) }, () => 2 * random() - 1),
    shape,
  )
const between = (least: number, most: number) => least + Math.floor((most + 1 - least) * random())

/** The largest difference, relative to the largest number. */
function difference(got: tf.Tensor, want: ArrayLike<number>): number {
  const a = got.dataSync<'float32'>()
  expect(a).toHaveLength(want.length)
  let [worst, largest] = [0, 1e-30]
  for (let i = 0; i < want.length; i++) {
    worst = Math.max(worst, Math.abs(a[i]! - want[i]!))
    largest = Math.max(largest, Math.abs(want[i]!))
  }
  return worst / largest
}

interface Transposed {
  readonly a: boolean
  readonly b: boolean
}

/** Products of pairs of matrices in float64; of one side there may be one for all. */
function product64(a: tf.Tensor, b: tf.Tensor, transposed: Transposed): Float64Array {
  const sizes = (x: tf.Tensor, isTurned: boolean) => {
    const [rows, columns] = x.shape.slice(-2) as [number, number]
    return isTurned ? { rows: columns, columns: rows, row: 1, step: columns } : { rows, columns, row: columns, step: 1 }
  }
  const [ofA, ofB] = [sizes(a, transposed.a), sizes(b, transposed.b)]
  const [x, y] = [a.dataSync<'float32'>(), b.dataSync<'float32'>()]
  const [M, K, N] = [ofA.rows, ofA.columns, ofB.columns]
  const [pairsA, pairsB] = [x.length / M / K, y.length / K / N]
  const pairs = Math.max(pairsA, pairsB)
  const out = new Float64Array(pairs * M * N)
  for (let pair = 0; pair < pairs; pair++) {
    const [atA, atB, at] = [(pair % pairsA) * M * K, (pair % pairsB) * K * N, pair * M * N]
    for (let m = 0; m < M; m++)
      for (let k = 0; k < K; k++) {
        const value = x[atA + m * ofA.row + k * ofA.step]!
        const from = atB + k * ofB.row
        for (let n = 0; n < N; n++) out[at + m * N + n]! += value * y[from + n * ofB.step]!
      }
  }
  return out
}

const TURNS: readonly Transposed[] = [false, true].flatMap((a) => [false, true].map((b) => ({ a, b })))
/** What M, K and N of a product are drawn from. K from 513 on is multiplied in parts of 512. */
const SIZES = {
  'more columns than rows': [[1, 60], [513, 700], [200, 700]],
  'more rows than columns': [[200, 700], [1025, 1100], [1, 60]],
  'a short sum': [[1, 700], [1, 9], [1, 700]],
  'of any size': [[1, 300], [1, 300], [1, 300]],
} as const // biome-ignore format: a table
const products = TURNS.flatMap((turned) => Object.entries(SIZES).map(([kind, sizes]) => ({ kind, sizes, turned })))
/** float32 rounds to 6e-8, and a sum of 1,100 products, in order, loses some 33 times that, next to the largest result. */
const PRODUCT = 1e-5

describe.each(wide)(`a whole step, with %s (seed ${seed})`, (set) => {
  beforeAll(async () => void (await tf.setBackend('tensorflow')))
  beforeAll(() => backendOf().chains!.useInstructions(set))
  afterAll(() => backendOf().chains!.useInstructions(backendOf().chains!.instructionSets[0]!))
  const threads = Number(process.env.TF_NUM_INTRAOP_THREADS) || availableParallelism()

  /** Runs a step as one chain, without a graph. */
  async function chained(step: Step, inputs: tf.Tensor[]): Promise<tf.Tensor[]> {
    const before = held() as [number, number]
    const compiled = compile((...all) => listOf(step(...all)), [], { onFallback: (reason) => expect.fail(reason) })
    tf.dispose(compiled(...inputs))
    const results = compiled(...inputs)
    expect(held()).toEqual([before[0] + 1, before[1]])
    compiled.dispose()
    return results
  }

  it.each(products)('multiplies: $kind, transposed: $turned', async ({ sizes, turned }) => {
    const [M, K, N] = sizes.map(([least, most]) => between(least, most)) as [number, number, number]
    const [a, b] = [turned.a ? signed(K, M) : signed(M, K), turned.b ? signed(N, K) : signed(K, N)]
    const step: Step = (a, b) => {
      const product = tf.matMul(a!, b!, turned.a, turned.b)
      return [product, padded(product)]
    }
    const [got] = await chained(step, [a, b])
    expect(difference(got!, product64(a, b, turned)), `M ${M}, K ${K}, N ${N}`).toBeLessThan(PRODUCT)
  })

  it.each(
    TURNS.flatMap((turned) =>
      (
        [
          [3, 3],
          [3, 1],
          [1, 3],
        ] as const
      ).map(([ofA, ofB]) => ({ turned, ofA, ofB })),
    ),
  )('multiplies $ofA matrices by $ofB, transposed: $turned', async ({ turned, ofA, ofB }) => {
    const [M, K, N] = [between(9, 90), between(1, 90), between(1, 90)]
    const a = turned.a ? signed(ofA, K, M) : signed(ofA, M, K)
    const b = turned.b ? signed(ofB, N, K) : signed(ofB, K, N)
    const step: Step = (a, b) => {
      const product = tf.matMul(a!, b!, turned.a, turned.b)
      return [product, padded(product)]
    }
    const [got] = await chained(step, [a, b])
    expect(difference(got!, product64(a, b, turned)), `M ${M}, K ${K}, N ${N}`).toBeLessThan(PRODUCT)
  })

  it('gives the same bits whatever the threads', async () => {
    onTestFinished(() => backendOf().chains!.setThreads(threads))
    const inputs = [signed(301, 700), signed(700, 333), signed(333)]
    const step: Step = (a, b, bias) => {
      const x = tf.add(tf.matMul(a!, b!), bias!)
      return [tf.matMul(x, b!, false, true), tf.matMul(a!, x, true), tf.sum(padded(x), 0)]
    }
    const by: string[][] = []
    for (const count of [1, 2, 3]) {
      backendOf().chains!.setThreads(count)
      by.push((await chained(step, inputs)).map((x) => Buffer.from(x.dataSync().slice().buffer).toString('base64')))
    }
    expect(by[1]).toEqual(by[0])
    expect(by[2]).toEqual(by[0])
  })

  const rows = () => signed(20, 30)
  const factors = () => [signed(20, 40), signed(40, 30)]
  // biome-ignore format: a table
  it.each([
    ['a row', (a, b, c) => tf.add(tf.matMul(a!, b!), c!), () => [...factors(), signed(30)]],
    ['a matrix', (a, b, c) => tf.add(c!, tf.matMul(a!, b!)), () => [...factors(), rows()]],
    ['a row and a matrix', (a, b, c, d) => tf.add(d!, tf.add(tf.matMul(a!, b!), c!)), () => [...factors(), signed(30), rows()]],
    ['two rows', (a, b, c, d) => tf.add(tf.add(tf.matMul(a!, b!), c!), d!), () => [...factors(), signed(30), signed(30)]],
    ['a row, where K is more than 512', (a, b, c, d) => tf.add(d!, tf.add(tf.matMul(a!, b!), c!)), () => [numbers(45, 1100), numbers(1100, 67), numbers(67), numbers(45, 67)]],
    ['a column', (a, b, c) => tf.add(tf.matMul(a!, b!), c!), () => [...factors(), signed(20, 1)]],
    ['one number', (a, b, c) => tf.add(tf.matMul(a!, b!), c!), () => [...factors(), signed()]],
    ['itself', (a, b) => { const x = tf.matMul(a!, b!); return tf.add(x, x) }, factors],
    ['the same product', (a, b) => tf.add(tf.matMul(a!, b!), tf.matMul(a!, b!)), factors],
    ['another product', (a, b, c) => tf.add(tf.matMul(a!, b!), tf.matMul(c!, b!)), () => [...factors(), signed(20, 40)]],
    ['what is made of it', (a, b) => { const x = tf.matMul(a!, b!); return tf.add(x, tf.neg(x)) }, factors],
    ['what is made later', (a, b, c) => { const x = tf.matMul(a!, b!); return tf.add(x, tf.exp(c!)) }, () => [...factors(), signed(30)]],
    ['a row, to one that is also read without', (a, b, c) => { const x = tf.matMul(a!, b!); return tf.mul(tf.add(x, c!), x) }, () => [...factors(), signed(30)]],
    ['a row, to one of two that are equal', (a, b, c) => tf.mul(tf.add(tf.matMul(a!, b!), c!), tf.matMul(a!, b!)), () => [...factors(), signed(30)]],
    ['a row, to the product in the same shape, which is read too', (a, b, c) => { const x = tf.matMul(a!, b!); return tf.mul(tf.add(tf.reshape(x, [20, 30]), c!), x) }, () => [...factors(), signed(30)]],
    ['a row, to some of its rows', (a, b, c) => { const [x, y] = tf.split(tf.matMul(a!, b!), 2, 0) as [tf.Tensor, tf.Tensor]; return tf.mul(tf.add(x, c!), y) }, () => [...factors(), signed(30)]],
    ['a row, to the product in another shape', (a, b, c) => tf.add(tf.reshape(tf.matMul(a!, b!), [40, 15]), c!), () => [...factors(), signed(15)]],
    ['a matrix, to several products', (a, b, c) => tf.add(tf.reshape(tf.matMul(a!, b!), [40, 30]), c!), () => [signed(2, 20, 40), signed(40, 30), signed(40, 30)]],
  ] as readonly (readonly [string, Step, () => tf.Tensor[]])[])('adds to a product: %s', async (_, step, inputs) => {
    expect(await compare((...all) => padded(listOf(step(...all))[0]!), inputs())).toEqual([1, 0])
  })

  it.each([[[7]], [[3, 5]], [[201, 1003]]])('draws the random numbers of TensorFlow: %j', async (shape) => {
    const { binding } = backendOf()
    const type = (name: string, value: number) => ({ name, type: binding.TF_ATTR_TYPE, value })
    const types = [type('dtype', binding.TF_FLOAT), type('T', binding.TF_INT32), type('Tseed', binding.TF_INT32)]
    const draw = (seed: tf.Tensor) => {
      const inputs = [tf.tensor1d(shape, 'int32'), seed]
      return backendOf().executeMultipleOutputs('StatelessRandomUniform', types, inputs, 1)[0]!
    }
    const compiled = compile((seed) => [tf.neg(tf.neg(tf.neg(tf.neg(draw(seed!)))))], [], { xla: false })
    for (const seeds of [
      [0, 0],
      [1, 2],
      [-5, 2 ** 31 - 1],
      [-(2 ** 31), -1],
    ]) {
      const seed = tf.tensor1d(seeds, 'int32')
      const [got] = compiled(seed)
      expect(await got!.data()).toEqual(await draw(seed).data())
    }
    expect(held()).toEqual([1, 0])
    compiled.dispose()
  })

  it.each([[[0]], [[1]], [[0, 2]], [[1, 3]], [[0, 1, 3]]])('sums along the axes %j', async (axes) => {
    const step: Step = (a) => [tf.sum(a!, axes), tf.sum(padded(a!), axes)]
    const x = numbers(3, 5, 7, 37)
    const [got] = await chained(step, [x])
    // Of up to 777 numbers, in another order.
    expect(difference(got!, await tf.sum(x, axes).data())).toBeLessThan(1e-5)
  })

  it('shares more parts than have numbers', async () => {
    const step: Step = (a, b) => tf.sub(tf.mul(tf.neg(tf.matMul(a!, b!)), 2), 1)
    const many = compile((a, b) => [tf.sum(step(a!, b!) as tf.Tensor, 0)], [], { xla: false })
    const [sum] = many(tf.ones([14 * 65_536 * 5, 1]), tf.ones([1, 1]))
    expect((await sum!.data())[0]).toBe(-3 * 14 * 65_536 * 5)
    many.dispose()
  })

  it('gives variables their new values', async () => {
    const [w, bias] = [tf.variable(signed(37, 19)), tf.variable(signed(19))]
    const copies = [w, bias].map((x) => tf.variable(x.clone()))
    const descend = (w: tf.Variable, bias: tf.Variable): Step => (x, y) => {
      const apart = tf.sub(tf.add(tf.matMul(x!, w), bias), y!)
      w.assign(tf.sub(w, tf.mul(tf.matMul(x!, apart, true), 0.1 / 53)))
      bias.assign(tf.sub(bias, tf.mul(tf.sum(apart, 0), 0.1 / 53)))
      return [tf.sum(tf.square(apart), 1)]
    } // biome-ignore format: short
    const before = held() as [number, number]
    const step = compile((...all) => listOf(descend(w, bias)(...all)), [w, bias])
    for (let i = 0; i < 4; i++) {
      const batch = [signed(53, 37), signed(53, 19)]
      const got = step(...batch)
      const want = listOf(descend(copies[0]!, copies[1]!)(...batch))
      step.sync()
      expect(difference(got[0]!, want[0]!.dataSync())).toBeLessThan(1e-6)
      for (const [i, each] of [w, bias].entries()) expect(difference(each, copies[i]!.dataSync())).toBeLessThan(1e-6)
    }
    expect(held()).toEqual([before[0] + 1, before[1]])
    step.dispose()
  })

  it('takes over what something else assigned to a variable', () => {
    const w = tf.variable(signed(40, 50))
    const step = compile((x) => [padded(tf.add(w, x!))], [w])
    const x = signed(40, 50)
    for (let i = 0; i < 3; i++) {
      w.assign(signed(40, 50))
      expect(difference(step(x)[0]!, padded(tf.add(w, x)).dataSync())).toBeLessThan(1e-6)
    }
    step.dispose()
  })

  it('uses memory again that nobody reads any more', async () => {
    const keepChain = vi.spyOn(backendOf().chains!, 'keepChain')
    onTestFinished(() => keepChain.mockRestore())
    const size = 300 * 200
    const step: Step = (a) => {
      let x = a!
      for (let i = 0; i < 10; i++) x = tf.sub(tf.mul(x, x), a!)
      return tf.sum(x, 1)
    }
    const x = tf.mul(signed(300, 200), 0.5)
    const want = listOf(step(x))[0]!.dataSync()
    expect(difference((await chained(step, [x]))[0]!, want)).toBeLessThan(1e-5)
    const [program] = keepChain.mock.lastCall!
    // How many places there are, where each begins, and where the last ends: see encode of chain-program.ts.
    expect(program[0]).toBe(21)
    expect(program[program[0]! + 1]).toBeLessThanOrEqual(2 * size)
  })

  const crossEntropy = (logits: tf.Tensor, targets: tf.Tensor) => {
    const { TF_ATTR_TYPE: type, TF_FLOAT, TF_INT32 } = backendOf().binding
    const types = [{ name: 'T', type, value: TF_FLOAT }, { name: 'Tlabels', type, value: TF_INT32 }] // biome-ignore format: short
    return backendOf().executeMultipleOutputs('SparseSoftmaxCrossEntropyWithLogits', types, [logits, targets], 2)
  }
  const logits = (change: (values: Float32Array) => void = () => {}) => {
    const values = Float32Array.from({ length: 4 * 37 }, () => 8 * random() - 4)
    change(values)
    return tf.tensor2d(values, [4, 37])
  }
  const targets = () => tf.tensor1d([0, 36, 17, 32], 'int32')
  // biome-ignore format: a table
  it.each([
    ['plain ones', logits],
    ['a few large ones', () => logits((x) => void x.set([1e4, -1e4, 1e4], 40))],
    ['a large one of what is wanted', () => logits((x) => void x.fill(1e4, 73, 74))],
    ['−∞ of others', () => logits((x) => void x.fill(-Infinity, 38, 60))],
    ['−∞ of what is wanted', () => logits((x) => void x.fill(-Infinity, 0, 1))],
    ['−∞ of all but what is wanted', () => logits((x) => void x.fill(-Infinity, 37, 73))],
    ['−∞ of all', () => logits((x) => void x.fill(-Infinity, 37, 74))],
    ['∞', () => logits((x) => void x.fill(Infinity, 40, 41))],
    ['no number in a vector', () => logits((x) => void x.fill(Number.NaN, 45, 46))],
    ['no number first', () => logits((x) => void x.fill(Number.NaN, 37, 38))],
    ['no number last', () => logits((x) => void x.fill(Number.NaN, 73, 74))],
  ] as const)('cross-entropy of logits with %s', async (_, make) => {
    const both: Step = (x, t) => {
      const [losses, gradient] = crossEntropy(x!, t!) as [tf.Tensor, tf.Tensor]
      return [padded(losses), tf.mul(gradient, padded(tf.ones([4, 1])))]
    }
    expect(await compare(both, [make(), targets()])).toEqual([1, 0])
    // Without a gradient that nobody reads.
    expect(await compare((x, t) => padded(crossEntropy(x!, t!)[0]!), [make(), targets()])).toEqual([1, 0])
  })

  const filled = (value: tf.Tensor, ...shape: number[]) => {
    const { TF_ATTR_TYPE: type, TF_FLOAT, TF_INT32 } = backendOf().binding
    const types = [{ name: 'T', type, value: TF_FLOAT }, { name: 'index_type', type, value: TF_INT32 }] // biome-ignore format: short
    return backendOf().executeSingleOutput('Fill', types, [tf.tensor1d(shape, 'int32'), value])
  }
  const segments = (...ids: number[]) => tf.tensor1d(ids, 'int32')
  // biome-ignore format: a table
  it.each([
    ['sums of segments', (x, s) => padded(tf.unsortedSegmentSum(x!, s as tf.Tensor1D, 5)), () => [signed(7, 131), segments(3, 0, 3, 1, 4, 4, 3)]],
    ['sums of segments of numbers', (x, s) => padded(tf.unsortedSegmentSum(x!, s as tf.Tensor1D, 3)), () => [signed(4), segments(2, 0, 2, 2)]],
    ['sums of segments, without some', (x, s) => padded(tf.unsortedSegmentSum(x!, s as tf.Tensor1D, 2)), () => [signed(4, 3, 5), segments(-1, 1, -1, 1)]],
    ['sums of columns', (x) => padded(tf.sum(x!, 0)), () => [numbers(700, 133)]],
    ['sums of columns of one row', (x) => padded(tf.sum(x!, 0)), () => [signed(1, 5)]],
    ['sums of columns, as a row', (x) => padded(tf.sum(x!, 0, true)), () => [signed(33, 1)]],
    ['parts along the first axis', (x) => tf.unstack(x!, 0).map((part, i) => tf.add(padded(part), i)), () => [signed(3, 4, 5)]],
    ['parts along an inner axis', (x) => tf.unstack(x!, 1).map((part, i) => tf.add(padded(part), i)), () => [signed(3, 4, 5)]],
    ['parts along the last axis', (x) => tf.unstack(x!, -1).map((part, i) => tf.add(padded(part), i)), () => [signed(3, 4, 5)]],
    ['numbers of a vector', (x) => padded(tf.mul(...(tf.unstack(x!) as [tf.Tensor, tf.Tensor]))), () => [signed(2)]],
    ['the sum of several', (a, b, c) => padded(tf.addN([a!, b!, c!, a!])), () => [signed(300, 301), signed(300, 301), signed(300, 301)]],
    ['the sum of one', (a) => padded(tf.addN([tf.neg(a!)])), () => [signed(3, 4)]],
    ['one number everywhere', (x) => padded(filled(tf.sum(x!), 3, 50)), () => [signed(9)]],
    ['one constant everywhere', (x) => padded(tf.mul(x!, tf.fill([3, 5], 7))), () => [signed(3, 5)]],
    ['what is large', (x) => tf.sum(tf.mul(tf.transpose(tf.sub(x!, 1)), tf.concat([x!, x!], 0).slice([0, 0], [1, 1])), 1), () => [signed(400, 401)]],
  ] as readonly (readonly [string, Step, () => tf.Tensor[]])[])('does %s', async (_, step, inputs) => {
    expect(await compare(step, inputs())).toEqual([1, 0])
  })

  it('refuses segments and classes that are not there', () => {
    const [x, ids] = [signed(3, 4), segments(0, 1, 1)]
    const steps: Step[] = [
      (x, ids) => padded(tf.unsortedSegmentSum(x!, ids as tf.Tensor1D, 2)),
      (x, ids) => padded(crossEntropy(x!, ids!)[0]!),
    ]
    for (const step of steps) {
      const compiled = compile((...all) => listOf(step(...all)), [])
      tf.dispose(compiled(x, ids))
      expect(() => compiled(x, segments(0, 1, 4))).toThrow('expected indices within what is gathered from')
      compiled.dispose()
    }
  })
})
