import { readFile } from 'node:fs/promises'
import * as tf from '@tensorflow/tfjs'
import fc from 'fast-check'
import { beforeAll, expect, it } from 'vitest'
import { compileMatrices, MODULE } from '../../../tooling/wasm-matrices.mjs'
import { selectBackend } from '../src/index.js'

beforeAll(async () => {
  await selectBackend('wasm')
})

/** The same computation on wasm and on cpu. */
async function onBoth(compute: () => tf.Tensor): Promise<{ wasm: Float32Array; cpu: Float32Array }> {
  const results: Float32Array[] = []
  for (const name of ['wasm', 'cpu']) {
    await tf.setBackend(name)
    const result = tf.tidy(compute)
    results.push((await result.data()) as Float32Array)
    result.dispose()
  }
  return { wasm: results[0]!, cpu: results[1]! }
}

const random = (shape: number[], seed: number) => tf.randomUniform(shape, -1, 1, 'float32', seed)
const dimension = fc.integer({ min: 1, max: 9 })

it('multiplies batches and transposes as cpu does', async () => {
  const batches = fc.constantFrom<[number[], number[]]>(
    [[], []],
    [[3], [3]],
    [
      [2, 3],
      [2, 3],
    ],
    [[1], [4]],
    [[4], [1]],
    [
      [2, 1],
      [1, 3],
    ],
  )
  await fc.assert(
    fc.asyncProperty(
      batches,
      dimension,
      dimension,
      dimension,
      fc.boolean(),
      fc.boolean(),
      fc.nat(),
      async ([batchA, batchB], m, k, n, transposeA, transposeB, seed) => {
        const { wasm, cpu } = await onBoth(() => {
          const a = random([...batchA, ...(transposeA ? [k, m] : [m, k])], seed)
          const b = random([...batchB, ...(transposeB ? [n, k] : [k, n])], seed + 1)
          return tf.matMul(a, b, transposeA, transposeB)
        })
        // Up to 9 products of numbers below 1, summed in another order: 9 roundings of 2⁻²⁴ each.
        expect(wasm).toBeAllclose(cpu, { rtol: 0, atol: 2e-6 })
      },
    ),
    { numRuns: 60 },
  )
})

it('frees what it allocates', async () => {
  await tf.setBackend('wasm')
  const backend = tf.backend() as unknown as { numDataIds(): number; wasm: { HEAPU8: Uint8Array } }
  const multiply = () =>
    tf.tidy(() => {
      tf.matMul(random([8, 64, 64], 1), random([8, 64, 64], 2), true, false)
    })
  multiply()
  const before = [backend.numDataIds(), backend.wasm.HEAPU8.length]
  // 200 of them would be 157 MB if nothing were freed: the heap, which never shrinks, would have grown.
  for (let i = 0; i < 200; i++) multiply()
  expect([backend.numDataIds(), backend.wasm.HEAPU8.length]).toEqual(before)
})

it('has the gradient of an embedding', async () => {
  const ids = tf.tensor1d([4, 0, 4, 2, 0, 4], 'int32')
  const { wasm, cpu } = await onBoth(() => {
    const weights = random([6, 3], 3)
    return tf.grad((table: tf.Tensor) => tf.mul(tf.gather(table, ids), weights).sum())(random([5, 3], 4))
  })
  expect(wasm).toBeAllclose(cpu, { rtol: 0, atol: 1e-6 })
  expect([...wasm.slice(3, 6)]).toEqual([0, 0, 0])
})

it('takes slices and splits as cpu does', async () => {
  const block = fc
    .array(fc.tuple(dimension, fc.nat(), fc.nat()), { minLength: 1, maxLength: 5 })
    .map((sides) => sides.map(([side, a, b]) => [side, a % side, 1 + (b % (side - (a % side)))] as const))
  await fc.assert(
    fc.asyncProperty(block, fc.nat(), fc.constantFrom('float32', 'int32'), async (sides, seed, dtype) => {
      const [shape, begin, size] = ([0, 1, 2] as const).map((i) => sides.map((side) => side[i]))
      const axis = seed % shape!.length
      const pieces = [begin![axis]!, shape![axis]! - begin![axis]!]
      const { wasm, cpu } = await onBoth(() => {
        const x = tf.cast(tf.mul(random(shape!, seed), 1000), dtype)
        const parts = tf.split(x, pieces, axis)
        return tf.concat([tf.slice(x, begin!, size!), ...parts].map((part) => tf.cast(part.flatten(), 'float32')))
      })
      expect(wasm).toEqual(cpu)
    }),
    { numRuns: 60 },
  )
})

it('adds long sums up as float64 does, along any axes', async () => {
  const ROWS = 40_000
  const { wasm, cpu } = await onBoth(() => {
    const x = tf.add(random([2, ROWS, 3], 5), 1)
    const sums = [
      tf.sum(x, 1),
      tf.sum(x, 1, true),
      tf.sum(x, [1, 2]),
      tf.sum(x),
      tf.sum(x, [0, 2]),
      tf.mean(x, 1),
      tf.mean(x),
      tf.mean(x, 2),
      tf.sum(tf.transpose(x), 1),
      tf.sum(tf.slice(x, 0, [2, 20, 3]), 1),
      tf.mean(tf.slice(x, 0, [2, 9, 3]), 1),
    ]
    return tf.concat1d(sums.map((sum) => tf.reshape(sum, [-1]) as tf.Tensor1D))
  })
  expect(wasm.length).toBe(cpu.length)
  // cpu adds in float64 too; its means round each term once more.
  wasm.forEach((value, i) => {
    expect(Math.abs(value / cpu[i]! - 1)).toBeLessThan(1e-6)
  })
})

it('multiplies matrices of any size, whichever way they lie', async () => {
  await tf.setBackend('wasm')
  // Beyond what is packed at once (64 rows, 512 columns, 256 of what is summed over), and not multiples of a tile of 4 × 8.
  const sides = fc.tuple(...[80, 530, 300].map((max) => fc.integer({ min: 1, max })))
  await fc.assert(
    fc.asyncProperty(sides, fc.boolean(), fc.boolean(), fc.nat(), async ([m, n, k], transposeA, transposeB, seed) => {
      const a = random(transposeA ? [k!, m!] : [m!, k!], seed)
      const b = random(transposeB ? [n!, k!] : [k!, n!], seed + 1)
      const product = tf.matMul(a, b, transposeA, transposeB)
      const [left, right, got] = await Promise.all([a, b, product].map((x) => x.data()))
      tf.dispose([a, b, product])
      const at = (row: number, column: number) => {
        let sum = 0
        for (let i = 0; i < k!; i++)
          sum +=
            left![transposeA ? i * m! + row : row * k! + i]! * right![transposeB ? column * k! + i : i * n! + column]!
        return sum
      }
      expect(got).toHaveLength(m! * n!)
      // All of its edges, and some of what is inside.
      const rows = [0, m! - 1, (seed * 7) % m!]
      const columns = [0, n! - 1, (seed * 13) % n!]
      // 300 products below 1 at most: as many roundings of 2⁻²⁴ each, of sums below 300; those of random signs are far smaller.
      for (const row of rows)
        for (const column of columns) expect(Math.abs(got![row * n! + column]! - at(row, column))).toBeLessThan(2e-5)
    }),
    { numRuns: 40 },
  )
})

it('keeps infinity and NaN to the rows and columns that they are in', async () => {
  await tf.setBackend('wasm')
  const a = tf.tensor2d(
    Array.from({ length: 5 * 3 }, (_, i) => (i === 4 ? Number.NaN : 1)),
    [5, 3],
  )
  const b = tf.tensor2d(
    Array.from({ length: 3 * 9 }, (_, i) => (i === 26 ? Number.POSITIVE_INFINITY : 1)),
    [3, 9],
  )
  const product = tf.matMul(a, b).arraySync() as number[][]
  product.forEach((row, i) => {
    row.forEach((value, j) => {
      expect(value).toBe(i === 1 ? Number.NaN : j === 8 ? Number.POSITIVE_INFINITY : 3)
    })
  })
})

it('gathers rows, repeats and subtracts as cpu does', async () => {
  const shape = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(shape, fc.nat(), fc.constantFrom('float32', 'int32'), async (shape, seed, dtype) => {
      const { wasm, cpu } = await onBoth(() => {
        const x = tf.cast(tf.mul(random(shape, seed), 1000), dtype)
        const ids = tf.tensor1d([seed % shape[0]!, shape[0]! - 1, 0], 'int32')
        const [column, row] = [tf.reshape(x, [-1, 1]), tf.reshape(x, [1, -1])]
        const all = [
          tf.gather(x, ids),
          tf.tile(
            x,
            shape.map((_, i) => 1 + ((seed >> i) % 3)),
          ),
          tf.sub(column, row),
          tf.clone(x),
        ]
        return tf.concat(all.map((each) => tf.cast(each.flatten(), 'float32')))
      })
      expect(wasm).toEqual(cpu)
    }),
    { numRuns: 40 },
  )
})

it('refuses a row that is not there', async () => {
  await tf.setBackend('wasm')
  const backend = tf.backend() as unknown as { numDataIds(): number }
  const table = random([3, 2], 1)
  for (const row of [3, -1]) {
    const rows = tf.tensor1d([0, row], 'int32')
    const before = backend.numDataIds()
    expect(() => tf.gather(table, rows)).toThrow(`gather: expected indices from 0 to 2, got ${row}`)
    expect(backend.numDataIds()).toBe(before)
  }
})

it('keeps a copy that shares memory after the original is gone', async () => {
  await tf.setBackend('wasm')
  const original = tf.tensor1d([1, 2, 3])
  const copy = tf.clone(original)
  original.dispose()
  random([1000], 1).dispose()
  expect([...copy.dataSync()]).toEqual([1, 2, 3])
  copy.dispose()
})

it('carries the module that its source compiles to', async () => {
  expect(await readFile(MODULE, 'utf8')).toBe(await compileMatrices())
})
