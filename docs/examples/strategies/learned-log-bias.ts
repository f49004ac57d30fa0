// Letters: H heads, N distances.
import { checkInteger, defineStrategy, type ParameterSpec, type ParameterValues, type TensorOps } from '@alibi/core'

/** −p·ln(1 + a·|distance|), with p, a > 0 learned for each head of each layer (KERPLE’s logarithmic one: Chi et al., 2022). */
export function learnedLogBias({ numHeads }: { readonly numHeads: number }) {
  checkInteger('learnedLogBias', 'numHeads', numHeads, 1)
  const zeros: ParameterSpec = { shape: [numHeads, 1], init: { kind: 'constant', value: 0 } }

  /** @returns shape [H, N] */
  function evaluate<T>(ops: TensorOps<T>, { logP, logA }: ParameterValues<T>, distances: Int32Array): T {
    // Trained through their logarithms, p and a stay positive; both begin as exp(0) = 1.
    const [p, a] = [ops.exp(logP!), ops.exp(logA!)]
    const lengths = ops.tensor(distances.map(Math.abs), [1, distances.length])
    return ops.neg(ops.mul(p, ops.log1p(ops.mul(a, lengths))))
  }
  return defineStrategy({
    name: 'learned-log-bias',
    parameters: { logP: zeros, logA: zeros },
    parameterScope: 'layer',
    bias: { kind: 'distance', numHeads, evaluate },
  })
}
