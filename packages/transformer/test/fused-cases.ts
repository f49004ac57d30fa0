// What the tests of the fused WGSL kernels share.
import { selectBackend } from '@alibi/backend'
import * as tf from '@tensorflow/tfjs'
import { fused } from '../src/kernels/webgpu/attention/fused.js'
import { attend, attendProjected, type Options } from './kernel-cases.js'

/** Why there is no webgpu here, not even on the processor; undefined: there is. */
export const unavailable = await selectBackend('webgpu', { software: true }).then(
  () => undefined,
  (error: Error) => error.message,
)

/** The name of tests that need it. */
export const named = (what: string) => `${what}${unavailable ? ` (skipped: ${unavailable})` : ''}`

export const fusedAttention = (q: tf.Tensor4D, k: tf.Tensor4D, v: tf.Tensor4D, options: Options) =>
  attend(fused, q, k, v, options)

export const fusedSelfAttention = (
  qkv: tf.Tensor2D,
  sizes: Record<'batchSize' | 'numHeads', number>,
  options: Options,
) => attendProjected(fused, qkv, sizes, options)

/** Fills every buffer that the next kernels may be given with NaN: what they do not write shows. */
export function poison(): void {
  const { bufferManager, device } = tf.backend() as unknown as {
    bufferManager: { freeBuffers: Map<string, GPUBuffer[]> }
    device: GPUDevice
  }
  for (const buffers of bufferManager.freeBuffers.values())
    for (const buffer of buffers)
      if (buffer.usage & GPUBufferUsage.STORAGE && buffer.mapState === 'unmapped')
        device.queue.writeBuffer(buffer, 0, new Float32Array(buffer.size / 4).fill(Number.NaN))
}
