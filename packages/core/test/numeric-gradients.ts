import type { Differentiable } from '../src/conformance/index.js'
import { type ReferenceTensor, reference } from '../src/index.js'

const STEP = 1e-4

/** Gradients by central differences on the float64 reference: slow, and independent of any tensor library. */
export const numericGradients: Differentiable<ReferenceTensor> = {
  ops: reference,
  gradients(values, parameters) {
    const gradient = (name: string, { shape, data }: ReferenceTensor) =>
      data.map((_, i) => {
        const loss = (step: number) => {
          const moved = { shape, data: data.with(i, data[i]! + step) }
          const all = values({ ...parameters, [name]: moved }).flatMap((x) => [...x.data])
          return all.reduce((sum, x) => sum + x * x, 0)
        }
        return (loss(STEP) - loss(-STEP)) / (2 * STEP)
      })
    return Object.fromEntries(Object.entries(parameters).map(([name, tensor]) => [name, gradient(name, tensor)]))
  },
}
