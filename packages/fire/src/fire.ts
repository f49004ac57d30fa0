// Letters: H heads, Q/K queries/keys, W width of the hidden layer.
import {
  type BiasStrategy,
  checkBoolean,
  checkInteger,
  checkOptions,
  checkPositive,
  defineStrategy,
  type Initializer,
  type PairBias,
  type ParameterSpec,
  type ParameterValues,
  type Positions,
  type TensorOps,
} from '@alibi/core'

/** What {@link fire} takes. */
export interface FireOptions {
  /** H, of the model; any count from 1. */
  readonly numHeads: number
  /** W, units of the function's hidden layer. Default 32, the authors'. */
  readonly width?: number
  /**
   * Where L starts: a query before position L reads distances alone, a later one reads each distance as a share of what
   * precedes it. Default 512, the authors' for sequences of 2048.
   */
  readonly threshold?: number
  /** A function for each layer, or one for the model (the authors' FIRE-S). Default true. */
  readonly perLayer?: boolean
}

/** Keeps a query at position 0 from 0/0. */
const EPSILON = 1e-6

/**
 * FIRE: a learned function of the interpolated distance, f(ψ(i − j)/ψ(max(i, L))) with ψ(x) = ln(1 + c·x), f a network of one
 * hidden layer with ReLU, and c and L learned (Li et al., ICLR 2024, §4.1 and appendix). As there, |c| and |L| are used, so
 * that both stay positive, and c starts at 0.1. The network starts as PyTorch's layers do.
 *
 * @throws RangeError or TypeError for a head count or width below 1, or a threshold that is not > 0
 */
export function fire(options: FireOptions): BiasStrategy<PairBias> {
  checkOptions('fire', options, ['numHeads', 'width', 'threshold', 'perLayer'])
  const { numHeads, width = 32, threshold = 512, perLayer = true } = options
  checkInteger('fire', 'numHeads', numHeads, 1)
  checkInteger('fire', 'width', width, 1)
  checkPositive('fire', 'threshold', threshold)
  checkBoolean('fire', 'perLayer', perLayer)

  function evaluate<T>(ops: TensorOps<T>, p: ParameterValues<T>, queries: Positions, keys: Positions): T {
    const [Q, K] = [queries.length, keys.length]
    const steepness = ops.reshape(ops.abs(p.c!), [1, 1])
    const psi = (x: T) => ops.log1p(ops.mul(steepness, x))
    const start = ops.abs(ops.mul(ops.reshape(p.thresholdShare!, [1, 1]), ops.tensor([threshold], [1, 1])))
    const context = psi(ops.maximum(ops.tensor(queries, [Q, 1]), start))
    const apart = Float64Array.from({ length: Q * K }, (_, i) => Math.abs(queries[Math.floor(i / K)]! - keys[i % K]!))
    const distance = psi(ops.tensor(apart, [Q, K]))
    const share = ops.div(distance, ops.add(context, ops.tensor([EPSILON], [1, 1])))
    const row = (parameter: T, length: number) => ops.reshape(parameter, [1, length])
    const hidden = ops.relu(
      ops.add(ops.mul(ops.reshape(share, [Q * K, 1]), row(p.hiddenWeight!, width)), row(p.hiddenShift!, width)),
    )
    const biases = ops.add(ops.matmul(hidden, p.outWeight!), row(p.outShift!, numHeads))
    return ops.reshape(ops.transpose(biases, [1, 0]), [numHeads, Q, K])
  }

  // PyTorch's Linear: uniform within 1/√(numbers a unit reads).
  const within = (bound: number): Initializer => ({ kind: 'uniform', low: -bound, high: bound })
  const constant = (value: number): ParameterSpec => ({ shape: [1], init: { kind: 'constant', value } })
  return defineStrategy({
    name: 'fire',
    parameterScope: perLayer ? 'layer' : 'model',
    parameters: {
      c: constant(0.1),
      /** L as a share of the threshold. */
      thresholdShare: constant(1),
      hiddenWeight: { shape: [width], init: within(1) },
      hiddenShift: { shape: [width], init: within(1) },
      outWeight: { shape: [width, numHeads], init: within(1 / Math.sqrt(width)) },
      outShift: { shape: [numHeads], init: within(1 / Math.sqrt(width)) },
    },
    bias: { kind: 'pair', numHeads, evaluate },
  })
}
