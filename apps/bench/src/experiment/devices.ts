// What training and evaluation would cost on several devices, each with its part of the batches. On paper: nothing of it is measured.
import { cellsOf } from '../config/cells.js'
import type { RunConfig } from '../config/schema.js'
import { duration, gigabytes } from '../terminal/format.js'
import { table } from '../terminal/table.js'
import { estimateRun, evaluationOperations } from './estimate.js'
import { tokensRead } from './readings.js'

/** What joins each device to the next one of a ring. */
export interface Link {
  readonly name: string
  /** In each direction at once. */
  readonly bytesPerSecond: number
  /** From a part that is ready on one device until the next one begins to get it. */
  readonly hopSeconds: number
}

/** Assumed. A hop is a call of gRPC, which takes tens of microseconds on one machine already. */
export const LINKS: readonly Link[] = [
  { name: '10 Gbit/s', bytesPerSecond: 1.25e9, hopSeconds: 1e-4 },
  { name: '100 Gbit/s', bytesPerSecond: 12.5e9, hopSeconds: 1e-4 },
]

/** Processes of one machine. Assumed too: they copy, and their cores are busy. */
export const LOOPBACK: Link = { name: 'loopback', bytesPerSecond: 1e9, hopSeconds: 1e-4 }

/** A training step of one model on each of several devices. */
export interface DeviceStep {
  /** Parts of the whole batch, one after another on each device: as many as asked for, or the next multiple of the devices. */
  readonly microBatches: number
  /** Rows of the whole batch, so that its parts are equal: as many as asked for, or some more. */
  readonly batchSize: number
  /** Floating-point operations of a device. */
  readonly operations: number
  /** Bytes of the gradient, which all devices add up. */
  readonly gradientBytes: number
  /** Bytes that a device holds at once. */
  readonly bytes: number
  /** The same if each device kept, and updated, its share of the optimizer's state alone. */
  readonly shardedBytes: number
}

/** Copies of the parameters: the flat gradient with the loss, and what comes back of it. One device has none. */
const RING_COPIES = 2
/** Copies that a device needs also if it updates its share alone: weights, their gradients, and those of the ring. */
const WHOLE_COPIES = 2 + RING_COPIES

/** @param devices - that have equal parts of each batch */
export function stepOnDevices(config: RunConfig, devices: number): DeviceStep {
  const parts = Math.ceil(config.microBatches / devices)
  const microBatches = parts * devices
  const rows = Math.ceil(config.batchSize / microBatches)
  const own = estimateRun({ ...config, batchSize: parts * rows, microBatches: parts })
  const { parameters, stepOperations: operations, stepBytes, updateBytes } = own
  const gradientBytes = 4 * parameters
  const ring = devices > 1 ? RING_COPIES * gradientBytes : 0
  const bytes = stepBytes + ring
  const sharable = devices > 1 ? updateBytes + ring - WHOLE_COPIES * gradientBytes : 0
  return {
    ...{ microBatches, batchSize: microBatches * rows, operations, gradientBytes, bytes },
    shardedBytes: bytes - sharable + sharable / devices,
  }
}

/**
 * Until all devices of a ring have the sum: each sends a part to the next, as often as it takes to add all up, and as often again
 * to hand the sums round (Patarasu & Yuan, 2009).
 */
export const ringSeconds = (bytes: number, devices: number, { bytesPerSecond, hopSeconds }: Link): number =>
  2 * (devices - 1) * (bytes / devices / bytesPerSecond + hopSeconds)

/** What is taken for granted of devices. */
export interface Devices {
  /** Floating-point operations a second of each, where there are so many. */
  readonly rate: (devices: number) => number
  readonly links: readonly Link[]
}

/**
 * A row for each number of devices: seconds of a step, how much of what all devices could compute meanwhile is of use, and
 * gigabytes.
 */
export function devicesTable(config: RunConfig, counts: readonly number[], { rate, links }: Devices): string[] {
  const { operations: useful } = stepOnDevices(config, 1)
  const rows = counts.map((count) => {
    const step = stepOnDevices(config, count)
    const compute = step.operations / rate(count)
    const reduced = links.flatMap((link) => {
      const reduce = ringSeconds(step.gradientBytes, count, link)
      const efficiency = useful / (count * rate(count) * (compute + reduce))
      return [shortTime(reduce), `${Math.round(100 * efficiency)} %`]
    })
    return [`${count}`, shortTime(compute), ...reduced, gigabytes(step.bytes), gigabytes(step.shardedBytes)]
  })
  const ofLinks = links.flatMap(({ name }) => [`all-reduce, ${name}`, 'of use'])
  return table([['devices', 'compute', ...ofLinks, 'GB each', 'GB, state sharded'], ...rows])
}

/** Two digits, e.g. `0.013 s`, `1,800 s` */
const shortTime = (seconds: number): string =>
  `${Number(seconds.toPrecision(2)).toLocaleString('en-US', { maximumSignificantDigits: 2 })} s`

/** 1, 2, 4 … and the number itself. */
export const upTo = (devices: number): number[] => [
  ...Array.from({ length: Math.ceil(Math.log2(devices)) }, (_, i) => 2 ** i),
  devices,
]

/**
 * What a dry run says of several devices.
 *
 * @param of - what is taken for granted, and in words where the rate comes from
 */
export function devicesLines(config: RunConfig, devices: number, of: Devices & { readonly assumed: string }): string[] {
  const { rate, links, assumed } = of
  const { operations, gradientBytes, microBatches, batchSize } = stepOnDevices(config, devices)
  const steps = cellsOf(config).length * config.steps
  const times = links.map((link) => {
    const seconds = operations / rate(devices) + ringSeconds(gradientBytes, devices, link)
    return `${duration(steps * seconds)} at ${link.name}`
  })
  const networks = links.map(
    ({ name, bytesPerSecond, hopSeconds }) =>
      `${name} (${gigabytes(bytesPerSecond)} GB/s, ${hopSeconds * 1e6} µs a hop)`,
  )
  const settings = [
    microBatches !== config.microBatches && `--micro-batches ${microBatches}`,
    batchSize !== config.batchSize && `--batch-size ${batchSize}`,
  ].filter((each) => each !== false)
  return [
    `prediction for ${devices} devices, not measured. Assumed: ${assumed}; then the gradient is summed round a ring at ${networks.join(' or ')}`,
    ...devicesTable(config, upTo(devices), of),
    `all training steps: ${times.join(', ')}. No state is sharded yet: the last column is what that would save`,
    ...evaluationLines(config, devices, rate(devices)),
    ...(settings.length ? [`equal parts for ${devices} devices: ${settings.join(' ')}`] : []),
  ]
}

/** Evaluations' sums are small: what they take on a link is left out. */
function evaluationLines(config: RunConfig, devices: number, rate: number): string[] {
  const read = tokensRead(config)
  if (!read.length) return []
  const seconds = (cellsOf(config).length * evaluationOperations(config, devices)) / rate
  const alone = read.some(({ divisible }) => !divisible) ? '; one device alone reads streams' : ''
  return [`all evaluations: ${duration(seconds)}, each device with its part of the batches of windows${alone}`]
}
