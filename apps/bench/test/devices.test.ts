// What several devices are predicted to do, against numbers counted by hand.
import { none } from '@alibi/core'
import { countParameters } from '@alibi/transformer'
import { expect, it } from 'vitest'
import { modelConfig } from '../src/config/model.js'
import { resolveRunConfig } from '../src/config/resolve.js'
import { devicesLines, devicesTable, LINKS, ringSeconds, stepOnDevices, upTo } from '../src/experiment/devices.js'
import { estimateRun, evaluationOperations } from '../src/experiment/estimate.js'
import { cellSeconds } from '../src/experiment/readings.js'

const gigabyte = { name: '1 GB/s', bytesPerSecond: 1e9, hopSeconds: 1e-3 }

it('a ring sends each device’s part all the way round, twice', () => {
  expect(ringSeconds(1e9, 1, gigabyte)).toBe(0)
  // Two devices: half a gigabyte each way, and half back.
  expect(ringSeconds(1e9, 2, gigabyte)).toBeCloseTo(0.5 + 0.5 + 2 * 1e-3, 12)
  // Four: 3 + 3 turns with a quarter each.
  expect(ringSeconds(1e9, 4, gigabyte)).toBeCloseTo(6 * 0.25 + 6 * 1e-3, 12)
  // However many there are, no more than twice the bytes.
  expect(ringSeconds(1e9, 1000, { ...gigabyte, hopSeconds: 0 })).toBeCloseTo(1.998, 12)
})

const config = resolveRunConfig({ preset: 'small', dropout: 0, batchSize: 32, microBatches: 4, trainLength: 256 })
const parameters = countParameters(modelConfig(config, 256), none())

it('operations are those of products: six a parameter and token, and of attention', () => {
  // The table of 256 bytes is looked up on the way in, and a product on the way out: it counts once.
  const attention = 6 * 2 * 256 * 256
  const tokens = 32 * 256
  expect(estimateRun(config).stepOperations).toBe(3 * tokens * (2 * parameters + attention))
  expect(stepOnDevices(config, 1).operations).toBe(estimateRun(config).stepOperations)
  expect(stepOnDevices(config, 4).operations).toBe(estimateRun(config).stepOperations / 4)
})

it('parts are equal: more of them, or of rows that fill them up', () => {
  const of = (devices: number) => {
    const { microBatches, batchSize } = stepOnDevices(config, devices)
    return { microBatches, batchSize }
  }
  expect(of(2)).toEqual({ microBatches: 4, batchSize: 32 })
  expect(of(3)).toEqual({ microBatches: 6, batchSize: 36 })
  expect(of(8)).toEqual({ microBatches: 8, batchSize: 32 })
  expect(of(64)).toEqual({ microBatches: 64, batchSize: 64 })
  expect(stepOnDevices(config, 64).operations).toBe(estimateRun(config).stepOperations / 32)
})

it('memory: two copies of the gradient for the ring; with shards all but four copies are cut by the devices', () => {
  const copy = 4 * parameters
  const [one, four] = [stepOnDevices(config, 1), stepOnDevices(config, 4)]
  expect(one.bytes).toBe(estimateRun(config).stepBytes)
  expect(one.shardedBytes).toBe(one.bytes)
  // A part has as many rows on either; only the batch itself is cut: a token, its target, and both on the device.
  expect(one.bytes - four.bytes).toBe(4 * 4 * (32 - 8) * 256 - 2 * copy)
  // AdamW's 21 copies and the ring's 2, of which 4 stay whole.
  expect(four.bytes - four.shardedBytes).toBeCloseTo((19 - 19 / 4) * copy, 3)
})

it('the paper’s two models: gradients of 0.99 and 5.4 GB, which 128 devices sum in twice their time on the link', () => {
  const seconds = (['paper-wt103', 'paper-1.3b'] as const).map((preset) => {
    const { gradientBytes } = stepOnDevices(resolveRunConfig({ preset }), 128)
    return [gradientBytes / 1e9, ringSeconds(gradientBytes, 128, LINKS[0]!)]
  })
  expect(seconds[0]![0]).toBeCloseTo(0.99, 2)
  // 25 layers of 12 · 2048² and a table of 50,257 · 2048; norms and biases are less than a thousandth.
  expect(seconds[1]![0]! / (4 * (25 * 12 * 2048 ** 2 + 50_257 * 2048) * 1e-9)).toBeCloseTo(1, 3)
  for (const [bytes, time] of seconds) expect(time! / (2 * (bytes! / 1.25))).toBeCloseTo(1, 1)
})

it('says what is assumed, that it is a prediction, and which settings it takes', () => {
  const lines = devicesLines(config, 6, { rate: () => 1e12, links: [gigabyte], assumed: 'devices of 1 TFLOP/s' })
  expect(lines[0]).toBe(
    'prediction for 6 devices, not measured. Assumed: devices of 1 TFLOP/s; then the gradient is summed round a ring at 1 GB/s (1 GB/s, 1000 µs a hop)',
  )
  expect(lines.slice(1, -3)).toEqual(devicesTable(config, [1, 2, 4, 6], { rate: () => 1e12, links: [gigabyte] }))
  const rows = lines.slice(3, -3).map((line) => line.split('|').map((cell) => cell.trim()))
  expect(rows.map(([, devices]) => devices)).toEqual(['1', '2', '4', '6'])
  // 3 · 8192 tokens · (2 · 4.8 million + 0.79 million) operations; the sum of 19 MB takes (1 s / 1 GB/s) · 19 MB and 2 ms.
  const operations = 3 * 8192 * (2 * parameters + 6 * 2 * 256 * 256)
  const [compute, reduce] = [operations / 2 / 1e12, (4 * parameters) / 1e9 + 2e-3]
  expect(rows[1]!.slice(2, 5)).toEqual([
    `${Number(compute.toPrecision(2))} s`,
    `${Number(reduce.toPrecision(2))} s`,
    `${Math.round((100 * compute) / (compute + reduce))} %`,
  ])
  expect(lines.at(-3)).toMatch(/^all training steps: .* at 1 GB\/s\. No state is sharded yet/)
  expect(lines.at(-2)).toMatch(/^all evaluations: [^\n]+, each device with its part of the batches of windows$/)
  expect(lines.at(-1)).toBe('equal parts for 6 devices: --micro-batches 6 --batch-size 36')
  const streams = devicesLines({ ...config, protocols: ['streaming'] }, 4, {
    ...{ rate: () => 1e12, links: [gigabyte], assumed: '' },
  })
  expect(streams.at(-1)).toMatch(/^all evaluations: [^\n]+; one device alone reads streams$/)
})

it('evaluations are cut by whole batches, of which the device with most counts; streams are not cut', () => {
  // Ten batches of 4,096 tokens.
  const chunks = { ...config, evalTokens: 40_960, evalLengths: [256], windowedControl: false }
  const of = (devices: number, more: Partial<typeof config> = {}) =>
    evaluationOperations({ ...chunks, ...more }, devices) / evaluationOperations({ ...chunks, ...more })
  expect([1, 2, 3, 4, 10, 128].map((devices) => of(devices))).toEqual([1, 0.5, 0.4, 0.3, 0.1, 0.1])
  expect(of(2, { protocols: ['streaming'] })).toBe(1)
  expect(of(2, { protocols: ['streaming', 'nonoverlapping'] })).toBe(0.75)
  // A third of a step for each token; replicas' steps are those of all of them.
  const seconds = (protocol: 'nonoverlapping' | 'streaming', replicas: number) =>
    cellSeconds({ ...chunks, protocols: [protocol], steps: 0 }, 1, replicas)
  expect(seconds('nonoverlapping', 4)).toBe(seconds('nonoverlapping', 1))
  expect(seconds('streaming', 4)).toBe(4 * seconds('streaming', 1))
})

it('counts up to a number of devices', () => {
  expect(upTo(1)).toEqual([1])
  expect(upTo(6)).toEqual([1, 2, 4, 6])
  expect(upTo(8)).toEqual([1, 2, 4, 8])
})
