// What a GPU computes, before anybody trusts it: its kernels beside float64, its training beside plain JavaScript, its memory,
// its speed.
import { type Backend, findDriver, visibleGpu } from '@alibi/backend'
import { seededRandom } from '@alibi/core'
import { versionsOf } from '@alibi/machine'
import { type AttentionKernel, attentionKernels, type Trainer } from '@alibi/transformer'
import { attentionCases } from '@alibi/transformer/conformance'
import * as tf from '@tensorflow/tfjs'
import { newTrainer, randomRows, type SelfTestSize, trainingError } from './training.js'

/** Of the steps that are timed: the size of `pnpm speed`'s second row. */
const SIZE: SelfTestSize = {
  numLayers: 4,
  modelDim: 256,
  numHeads: 8,
  vocabularySize: 512,
  batchSize: 8,
  length: 256,
  steps: 50,
}

/** Steps before memory and time are read: graphs are compiled, allocators fill. */
const WARM_UP = 5
const PRODUCT_SIZE = 256

/** What one backend did on one device, to be attached to a bug report. */
export interface SelfTest {
  readonly when: string
  readonly backend: string
  readonly device: string
  readonly isGpu: boolean
  readonly versions: Readonly<Record<string, string>>
  /** Cases of the attention kernels, outputs and gradients against float64, and those that failed. */
  readonly kernels: { readonly cases: number; readonly failed: readonly { name: string; message: string }[] }
  /** Of a product of 256² matrices against float64; fp32 has about 1e-6, TF32 1e-3. */
  readonly productRelativeError: number
  /**
   * Of a small model's losses while it trains, against plain JavaScript; fp32 has about 1e-6. Embedding, norms, GELU,
   * cross-entropy, their gradients and AdamW are compared in this alone.
   */
  readonly trainingRelativeError: number
  readonly step: {
    readonly size: SelfTestSize
    readonly tokensPerSecond: number
    /** Seconds to compile the step, or why it runs op by op. */
    readonly compiled: number | string
    /** Tensors that are left after the timed steps, beyond those before. */
    readonly tensorsLeft: number
    /** Memory of the NVIDIA GPU that computes, before and after the timed steps, in MiB; undefined without one. */
    readonly gpuMiB: readonly [before: number, after: number] | undefined
  }
}

/**
 * Tests the backend that is selected.
 *
 * @param backend - the selected one
 * @param options - the model whose steps are timed, and the kernels of attention that are compared
 */
export async function runSelfTest(
  backend: Backend,
  { size = SIZE, kernels = attentionKernels }: { size?: SelfTestSize; kernels?: readonly AttentionKernel[] } = {},
): Promise<SelfTest> {
  const { name, device, isGpu } = backend
  return {
    when: new Date().toISOString(),
    backend: name,
    device,
    isGpu,
    versions: versionsOf(backend),
    kernels: await testKernels(kernels),
    productRelativeError: await productError(PRODUCT_SIZE),
    trainingRelativeError: await trainingError(name),
    step: await timeStep(size),
  }
}

async function testKernels(kernels: readonly AttentionKernel[]): Promise<SelfTest['kernels']> {
  const failed: { name: string; message: string }[] = []
  let cases = 0
  for (const kernel of kernels)
    for (const { name, run } of casesOf(kernel)) {
      cases++
      try {
        await run()
      } catch (error) {
        failed.push({ name: `${kernel.name} ${name}`, message: (error as Error).message.split('\n')[0]! })
      }
    }
  return { cases, failed }
}

/** None for a kernel that takes nothing on this backend: one of another's. */
function casesOf(kernel: AttentionKernel) {
  const cases = attentionCases(kernel)
  return cases.some(({ name }) => name.startsWith('computes')) ? cases : []
}

/** The largest error of a product of random matrices, as a share of its largest number. */
async function productError(n: number): Promise<number> {
  const random = seededRandom(1)
  const [a, b] = [0, 1].map(() => Float32Array.from({ length: n * n }, () => random() - 0.5)) as [
    Float32Array,
    Float32Array,
  ]
  const product = tf.tidy(() => tf.matMul(tf.tensor2d(a, [n, n]), tf.tensor2d(b, [n, n])))
  const got = await product.data()
  product.dispose()
  let [error, largest] = [0, 0]
  for (let row = 0; row < n; row++)
    for (let column = 0; column < n; column++) {
      let sum = 0
      for (let i = 0; i < n; i++) sum += a[row * n + i]! * b[i * n + column]!
      error = Math.max(error, Math.abs(got[row * n + column]! - sum))
      largest = Math.max(largest, Math.abs(sum))
    }
  return error / largest
}

async function timeStep(size: SelfTestSize): Promise<SelfTest['step']> {
  const { batchSize, length, steps } = size
  let compiled: number | string = 'no graph was made'
  const trainer = newTrainer(size, {
    onCompile: ({ seconds }: { seconds: number }) => {
      compiled = seconds
    },
    onFallback: (reason: string) => {
      compiled = reason
    },
  })
  try {
    await takeSteps(trainer, size, WARM_UP)
    const [tensors, before] = [tf.memory().numTensors, gpuMemory()]
    const started = performance.now()
    await takeSteps(trainer, size, steps)
    const tokensPerSecond = (batchSize * length * steps) / ((performance.now() - started) / 1000)
    const after = gpuMemory()
    const gpuMiB = before !== undefined && after !== undefined ? ([before, after] as const) : undefined
    return { size, tokensPerSecond, compiled, tensorsLeft: tf.memory().numTensors - tensors, gpuMiB }
  } finally {
    trainer.dispose()
    trainer.model.dispose()
  }
}

/** On random tokens; their losses are read, so that all is computed when this returns. */
async function takeSteps(trainer: Trainer, size: SelfTestSize, steps: number): Promise<void> {
  const random = seededRandom(trainer.step)
  for (let step = 0; step < steps; step++) await trainer.trainStep(randomRows(size, random))
}

function gpuMemory(): number | undefined {
  try {
    return visibleGpu(findDriver()?.gpus ?? [])?.usedMiB
  } catch {
    return undefined
  }
}
