// What dispatches cannot do without: bytes and operations, from their names and shapes alone.
// Letters: B batch, M/K/N of a product, H heads, Q/K queries/keys, D headDim.

/** An array of a dispatch, of 4-byte elements. */
interface Bound {
  readonly name?: string
  readonly shape: readonly number[]
}

/** A kernel as it was asked for: of ours with names of its arrays, or a program of TensorFlow.js. */
export interface Dispatch {
  readonly name: string
  readonly inputs: readonly Bound[]
  readonly outputs: readonly Bound[]
  /** Whether outputs are read too, as they are updated in place. */
  readonly inPlace?: boolean
  /** Numbers of the kernel, such as `numKeys`; of a product, `transposeA`. */
  readonly uniforms?: Readonly<Record<string, number>>
}

export interface Cost {
  /** Every array read or written once; caches may make it more, never less. */
  readonly bytes: number
  /** Floating-point operations; of attention those of all pairs that the mask allows, though kernels may skip some. */
  readonly operations: number
}

export function costOf(dispatch: Dispatch): Cost {
  const { inputs, outputs, inPlace } = dispatch
  return {
    bytes: 4 * (total(inputs) + (inPlace ? 2 : 1) * total(outputs)),
    operations: operationsOf(dispatch),
  }
}

/** A product of two rows of D for each pair of query and key: how many of them each kernel computes. */
const PRODUCTS: Readonly<Record<string, number>> = {
  // q·k, and the sum of values.
  attention: 2,
  // q·k, dOut·v, and the sum of keys.
  'attention gradient of queries': 3,
  // q·k, dOut·v, and the sums of queries and of dOut.
  'attention gradient of keys and values': 4,
  // q·k and dOut·v.
  'attention gradient of the bias table': 2,
}

/** Operations for each element of the first input. */
const PER_INPUT: Readonly<Record<string, number>> = {
  // A sum, a centred square, and scale and shift with the factor.
  'layer norm': 8,
  'layer norm gradient': 12,
  'layer norm gradient of scale and shift': 5,
  // A maximum, a difference, an exp and a sum.
  'cross-entropy': 4,
  'cross-entropy gradient': 4,
  'sum of squares': 2,
  // Two moments, a root, a division and the update.
  AdamW: 14,
}

/** One operation for each element of the largest array, as of TensorFlow.js's programs: memory bounds them, whatever they compute. */
const ONE_EACH: ReadonlySet<string> = new Set([
  'GELU',
  'GELU gradient',
  'sum of rows',
  'rotation',
  'rotation gradient',
  'attention storage',
  'attention bounds',
  'attention gradient statistics',
])

/** Whether the operations of a kernel are counted as its own: not one that was renamed, or is new. */
export const isKnown = (name: string): boolean =>
  name in PRODUCTS || name in PER_INPUT || ONE_EACH.has(name) || /Program$/.test(name)

function operationsOf({ name, inputs, outputs, uniforms = {} }: Dispatch): number {
  const products = PRODUCTS[name]
  if (products) return 2 * products * elements(pairedRows(inputs, outputs)) * seenKeys(uniforms)
  if (/^MatMul/.test(name)) return 2 * elements(outputs[0]!) * inner(inputs[0]!, uniforms)
  const each = PER_INPUT[name]
  return each ? each * elements(inputs[0]!) : Math.max(...[...inputs, ...outputs].map(elements))
}

/** K of a product: A is [B, M, K], or [B, K, M] if it is transposed. */
const inner = ({ shape }: Bound, { transposeA }: Readonly<Record<string, number>>) => shape.at(transposeA ? -2 : -1)!

/** The mean number of keys that a query sees: causal, the queries last, within a window. */
function seenKeys({
  numQueries: Q = 0,
  numKeys: K = 0,
  window = K,
  sinks = 0,
}: Readonly<Record<string, number>>): number {
  let pairs = 0
  for (let i = 0; i < Q; i++) {
    const before = K - Q + i + 1
    pairs += Math.min(before, window) + Math.min(sinks, Math.max(0, before - window))
  }
  return pairs / Q
}

/** What has B·H·Q·D elements: the output of the forward pass or its gradient. */
const pairedRows = (inputs: readonly Bound[], outputs: readonly Bound[]): Bound =>
  inputs.find(({ name }) => name === 'dOut') ?? outputs[0]!

const elements = ({ shape }: Bound) => shape.reduce((size, each) => size * each, 1)
const total = (all: readonly Bound[]) => all.reduce((sum, one) => sum + elements(one), 0)

/** What a device reaches. */
export interface Rates {
  readonly copyBytesPerSecond: number
  readonly productFlopPerSecond: number
}

/** The least seconds that a cost takes: it is bound by memory or by arithmetic. */
export const leastSeconds = ({ bytes, operations }: Cost, rates: Rates): number =>
  Math.max(bytes / rates.copyBytesPerSecond, operations / rates.productFlopPerSecond)
