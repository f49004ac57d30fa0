import * as tf from '@tensorflow/tfjs'

/** What is used of tfjs-backend-webgpu 4.22 beyond its public face, to run kernels of several outputs in its passes. */
interface WebgpuBackend {
  readonly device: GPUDevice
  commandEncoder: GPUCommandEncoder | null
  computePassEncoder: GPUComputePassEncoder | null
  dispatchCountInPass: number
  readonly tensorMap: { get(dataId: object): { values: unknown } }
  readonly commandQueueOwnedIds: WeakSet<object>
  makeTensorInfo(shape: readonly number[], dtype: tf.DataType): tf.TensorInfo
  uploadToGPU(dataId: object): void
  tensorToBinding(tensor: tf.TensorInfo): GPUBufferBinding
  makeUniforms(uniforms: readonly { type: 'uint32' | 'float32'; data: number[] }[]): GPUBufferBinding
  ensureCommandEncoderReady(): void
  endComputePassEncoder(): void
  submitQueue(): void
  /** Runs a kernel and throws what WebGPU reports of it; where `@alibi/backend` made the backend. Watchers read the kernel. */
  within?<T>(name: string, run: () => T, kernel: Kernel): T
}

/** A buffer of a kernel and the WGSL type of its elements. */
type Element = 'f32' | 'i32' | 'vec4f' | 'vec2f' | 'vec2u'

export interface Kernel {
  /** Names it in errors. */
  readonly name: string
  /** WGSL with an entry point `main`. Bindings and the uniforms `u` are declared before it. */
  readonly code: string
  /** Read only. */
  readonly inputs: readonly { readonly name: string; readonly element: Element; readonly tensor: tf.Tensor }[]
  /** Made by the run, with whatever was in their memory before, unless `tensor` is to be written in place. */
  readonly outputs: readonly {
    readonly name: string
    readonly element: Element
    readonly shape: readonly number[]
    /** Default float32. */
    readonly dtype?: tf.DataType
    readonly tensor?: tf.Tensor
  }[]
  /** Scalars: integers as u32; those in `floats` as f32. */
  readonly uniforms: Readonly<Record<string, number>>
  readonly floats?: readonly string[]
  readonly workgroups: readonly [number, number]
}

const pipelines = new WeakMap<GPUDevice, Map<string, GPUComputePipeline>>()

/** Limits of the selected device. */
export const deviceLimits = (): GPUSupportedLimits => (tf.backend() as unknown as WebgpuBackend).device.limits

/**
 * Runs a kernel of one's own on the selected webgpu backend, in order with TensorFlow.js's.
 *
 * @returns the outputs in order
 */
export function runKernel(kernel: Kernel): tf.Tensor[] {
  const backend = tf.backend() as unknown as WebgpuBackend
  const run = () => encode(backend, kernel)
  return backend.within ? backend.within(kernel.name, run, kernel) : run()
}

function encode(backend: WebgpuBackend, kernel: Kernel): tf.Tensor[] {
  const { name, inputs, outputs, uniforms, floats = [], workgroups } = kernel
  const results = outputs.map(
    (output) => output.tensor ?? backend.makeTensorInfo(output.shape, output.dtype ?? 'float32'),
  )
  const tensors: tf.TensorInfo[] = [...results, ...inputs.map(({ tensor }) => tensor)]
  for (const { dataId } of tensors) {
    backend.uploadToGPU(dataId)
    backend.commandQueueOwnedIds.add(dataId)
  }
  // A copy on the host would be what the next read returns.
  for (const { tensor } of outputs) if (tensor) backend.tensorMap.get(tensor.dataId).values = null
  const uniform = backend.makeUniforms(
    Object.entries(uniforms).map(([key, value]) => ({
      type: floats.includes(key) ? 'float32' : 'uint32',
      data: [value],
    })),
  )
  const pipeline = pipelineOf(backend.device, name, sourceOf(kernel))
  const bindings = [...tensors.map((tensor) => backend.tensorToBinding(tensor)), uniform]
  const group = backend.device.createBindGroup({
    label: name,
    layout: pipeline.getBindGroupLayout(0),
    entries: bindings.map((resource, binding) => ({ binding, resource })),
  })
  backend.ensureCommandEncoderReady()
  backend.computePassEncoder ??= backend.commandEncoder!.beginComputePass()
  backend.computePassEncoder.setPipeline(pipeline)
  backend.computePassEncoder.setBindGroup(0, group)
  backend.computePassEncoder.dispatchWorkgroups(...workgroups)
  backend.dispatchCountInPass++
  if (backend.dispatchCountInPass >= tf.env().getNumber('WEBGPU_DEFERRED_SUBMIT_BATCH_SIZE')) {
    backend.endComputePassEncoder()
    backend.submitQueue()
  }
  return outputs.map(
    ({ tensor }, i) => tensor ?? tf.engine().makeTensorFromTensorInfo(results[i]!, tf.backend() as tf.KernelBackend),
  )
}

function pipelineOf(device: GPUDevice, label: string, code: string): GPUComputePipeline {
  const known = pipelines.get(device) ?? new Map<string, GPUComputePipeline>()
  pipelines.set(device, known)
  let pipeline = known.get(code)
  if (!pipeline) {
    const module = device.createShaderModule({ label, code })
    pipeline = device.createComputePipeline({ label, layout: 'auto', compute: { module, entryPoint: 'main' } })
    known.set(code, pipeline)
  }
  return pipeline
}

function sourceOf({ code, inputs, outputs, uniforms, floats = [] }: Kernel): string {
  const buffers = [
    ...outputs.map(({ name, element }) => `var<storage, read_write> ${name}: array<${element}>;`),
    ...inputs.map(({ name, element }) => `var<storage, read> ${name}: array<${element}>;`),
  ]
  const fields = Object.keys(uniforms).map((key) => `${key}: ${floats.includes(key) ? 'f32' : 'u32'}`)
  return [
    `struct Uniforms { ${fields.join(', ')} }`,
    ...buffers.map((buffer, i) => `@group(0) @binding(${i}) ${buffer}`),
    `@group(0) @binding(${buffers.length}) var<uniform> u: Uniforms;`,
    code,
  ].join('\n')
}
