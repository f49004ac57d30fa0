import * as tf from '@tensorflow/tfjs'

type KernelInfo = Awaited<ReturnType<typeof tf.profile>>['kernels'][number]

/** A list that keeps only what was pushed while tensors held the most: TensorFlow.js takes the largest of all it finds. */
class LargestKernel extends Array<KernelInfo> {
  override push(kernel: KernelInfo): number {
    if (!(this[0] && this[0].totalBytesSnapshot >= kernel.totalBytesSnapshot)) this[0] = kernel
    return 1
  }
}

/**
 * Runs a computation and measures the most bytes that tensors held at once. `tf.profile` alone keeps a record of every
 * kernel, overflows the stack over those of a long text, and stays on where the computation throws.
 */
export async function withPeakBytes<T extends tf.TensorContainer>(
  compute: () => T,
): Promise<{ readonly result: T; readonly peakBytes: number }> {
  let result: T | undefined
  try {
    const { peakBytes } = await tf.profile(() => {
      tf.engine().state.activeProfile.kernels = new LargestKernel()
      result = compute()
      return result
    })
    return { result: result!, peakBytes }
  } finally {
    tf.engine().state.profiling = false
  }
}
