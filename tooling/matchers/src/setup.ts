import { expect } from 'vitest'
import { type AllcloseOptions, allclose, type Numbers } from './allclose.js'

expect.extend({
  toBeAllclose(received: Numbers, expected: Numbers, options?: AllcloseOptions) {
    const problem = allclose(received, expected, options)
    return { pass: problem === undefined, message: () => problem ?? 'expected values that differ, got close ones' }
  },
})

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: an augmentation repeats the original's type parameters
  interface Matchers<T = any> {
    /**
     * Same shape, and |received − expected| ≤ atol + rtol·|expected| everywhere, as numpy's allclose.
     * Numbers, (nested) arrays, typed arrays and `{ data, shape }` all compare. Defaults: rtol 1e-5, atol 1e-8.
     */
    toBeAllclose(expected: Numbers, options?: AllcloseOptions): T
  }
}
