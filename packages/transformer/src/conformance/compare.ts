import type { Results } from './compute.js'
import { attention64, attentionGradients64, type Bias64 } from './float64.js'
import { bias64, biasAt, type Numbers, type Situation } from './situations.js'

/** fp32 rounds at 6e-8, the longest sums here have a hundred terms, and gradients are sums of differences of them. */
const TOLERANCE = { out: 1e-5, gradient: 1e-4 }

/** What the results must be. */
function expected(situation: Situation, numbers: Numbers, trains: boolean): Record<string, Float64Array> {
  const { dims, kind } = situation
  const { q, k, v, weight } = numbers
  const bias = bias64(situation, numbers)
  const out = attention64(dims, q, k, v, bias)
  if (!trains) return { out }
  const [onBias, onGate] = [new Float64Array(numbers.bias.length), new Float64Array(numbers.gate.length)]
  const [, H, , K] = dims
  const at = biasAt(situation)
  const [dq, dk, dv] = attentionGradients64(dims, q, k, v, bias, weight, (head, query, key, gradient, batch) => {
    if (situation.gate) {
      const row = (batch * H + head) * K
      onGate[row + query]! += gradient
      onGate[row + key]! -= gradient
    }
    if (kind === 'none') return
    const [index, factor] = at(head, query, key)
    onBias[index]! += gradient * factor
  })
  return { out, q: dq, k: dk, v: dv, bias: onBias, gate: onGate }
}

/** @throws Error, one line, for the first number that is wrong, with where it is and the mistake that makes it */
export function compare(name: string, situation: Situation, numbers: Numbers, got: Results, trains: boolean): void {
  const want = expected(situation, numbers, trains)
  const largest = (values: Float64Array) => values.reduce((top, x) => Math.max(top, Math.abs(x) || 0), 0)
  // A gradient may be next to nothing, as behind a saturated softmax: what is left of larger terms is their rounding.
  const terms = situation.huge ? 128 : largest(want.v ?? want.out!)
  for (const [what, values] of Object.entries(got)) {
    const right = want[what]!
    const tolerance = what === 'out' ? TOLERANCE.out : TOLERANCE.gradient
    const atol = tolerance * largest(right) + (what === 'out' ? 0 : 1e-6 * terms * scaleOf(situation, what))
    // A row that sees nothing has no right result.
    const wrong = right.findIndex((x, i) => !Number.isNaN(x) && !(Math.abs(values[i]! - x) <= atol))
    if (wrong < 0) continue
    const title = what === 'out' ? 'the output' : `the gradient of ${TITLES[what] ?? what}`
    throw new Error(
      `attentionCases: expected ${title} of ${name} with ${situation.name} to be ${right[wrong]} at ${place(situation, what, wrong)}, got ${values[wrong]}${what === 'out' ? likely(situation, numbers, got) : ''}`,
    )
  }
}

const TITLES: Readonly<Record<string, string>> = { bias: 'the bias', gate: "the gate's running sums" }

/** Far positions multiply what is left of a gradient that cancels. */
const scaleOf = ({ kind, positions, dims }: Situation, what: string) =>
  what === 'bias' && kind === 'linear' ? (positions ? 3 : 1) * dims[3] : 1

function place({ dims: [, H, Q, K, D] }: Situation, what: string, index: number): string {
  if (what === 'bias') return `number ${index}`
  const length = what === 'out' || what === 'q' ? Q : K
  const row = what === 'gate' ? index : Math.floor(index / D)
  const head = Math.floor(row / length) % H
  const token = row % length
  const at = `row ${Math.floor(row / length / H)}, head ${head}, ${length === Q ? 'query' : 'key'} ${token}`
  return what === 'gate' ? at : `${at}, feature ${index % D}`
}

/** Mistakes that make the output what it is, where one does. */
function likely(situation: Situation, numbers: Numbers, { out }: Results): string {
  const [, , Q, K, D] = situation.dims
  const { q, k, v } = numbers
  const right = bias64(situation, numbers)
  const scaled = (factor: number) => q.map((x) => x * factor)
  const attend = (bias: Bias64, queries = q) => attention64(situation.dims, queries, k, v, bias)
  const suspects: Readonly<Record<string, () => Float64Array>> = {
    'scores are not divided by √headDim': () => attend(right, scaled(Math.sqrt(D))),
    'scores are divided by √headDim twice': () => attend(right, scaled(1 / Math.sqrt(D))),
    'the bias is divided by √headDim too': () => attend((...at) => right(...at) / Math.sqrt(D)),
    'the bias is left out': () => attend(bias64({ ...situation, kind: 'none' }, numbers)),
    'padding is left out': () => attend(bias64(without(situation, 'masked'), numbers)),
    'the window is left out': () => attend(bias64(without(situation, 'window'), numbers)),
    'the window is one key too wide': () => attend(bias64({ ...situation, window: windowOf(situation) + 1 }, numbers)),
    'first keys are left out': () => attend(bias64({ ...situation, sinks: 0 }, numbers)),
    'the gate is left out': () => attend(bias64({ ...situation, gate: false }, numbers)),
    'queries are taken for the first tokens, not the last': () =>
      attend((head, query, key, batch) => (key > query - (K - Q) ? -Infinity : right(head, query, key, batch))),
  }
  for (const [mistake, values] of Object.entries(suspects)) {
    const made = values()
    const scale = made.reduce((top, x) => Math.max(top, Math.abs(x) || 0), 0)
    if (made.every((x, i) => Number.isNaN(x) || Math.abs(x - out![i]!) <= 1e-5 * scale)) return `; likely ${mistake}`
  }
  return ''
}

const windowOf = ({ window = Infinity }: Situation) => window

function without(situation: Situation, name: 'masked' | 'window'): Situation {
  return name === 'masked' ? { ...situation, masked: () => false } : { ...situation, window: Infinity }
}
