// Products of matrices. Letters: M/K/N sizes of a product.
import { ABSENT } from '../chain-program.js'
import { sizeOf } from '../chain-shapes.js'
import { FEW_ROWS, isFloat, isSmall, isSmallProduct, type Translate } from './op.js'

export const product: Translate = ({ inputs: [a, b], outputs: [out], attributes, program }) => {
  const transposed = Boolean(attributes.get('adj_y'))
  const [batchA, batchB] = [a!.shape.slice(0, -2), b!.shape.slice(0, -2)]
  const [sizeA, sizeB] = [sizeOf(batchA), sizeOf(batchB)]
  const isPairwise = `${batchA}` === `${batchB}` || sizeA === 1 || sizeB === 1
  if (!isPairwise || ![a, b, out].every((x) => isFloat(x!))) return undefined
  const turned = Boolean(attributes.get('adj_x'))
  const [M, N] = out!.shape.slice(-2) as [number, number]
  const K = a!.shape.at(turned ? -2 : -1)!
  const pairs = sizeOf(out!.shape.slice(0, -2))
  // A sum of nothing is 0, and TensorFlow's.
  if (K === 0) return undefined
  const isFew = M <= FEW_ROWS && isSmallProduct(M, pairs * M * K * N) && !turned
  if (program.isWhole && !isFew) {
    const steps = [sizeA === 1 ? 0 : M * K, sizeB === 1 ? 0 : K * N]
    const [ofA, ofB] = [turned ? [1, M] : [K, 1], transposed ? [K, 1] : [1, N]]
    const sizes = [pairs, M, K, N, ...steps, ...ofA, ...ofB]
    // What may be added to it is not there.
    return [program.make('matrixProduct', [a!.place, b!.place, ABSENT, ABSENT], sizes, pairs * M * N)]
  }
  if (turned || !isSmallProduct(M, pairs * M * K * N) || !isSmall(out!)) return undefined
  const sizes = [pairs, M, K, N, sizeA === 1 ? 0 : M * K, sizeB === 1 ? 0 : K * N, Number(transposed)]
  return [program.make('product', [a!.place, b!.place], sizes, sizeOf(out!.shape))]
}

export const multiplyRows: Translate = ({ inputs: [x, weight, bias], outputs: [out], program }) => {
  const [[N, D], width] = [x!.shape as [number, number], weight!.shape[1]!]
  if (!program.isWhole && (!isSmallProduct(N, N * D * width) || !isSmall(out!))) return undefined
  const operands = [x!.place, weight!.place, sizeOf(bias!.shape) ? bias!.place : ABSENT]
  return [program.make('multiplyRows', operands, [N, D, width], N * width)]
}
