// ALiBi in a WebGPU kernel: all that a kernel needs is a slope for each head, [H]; the bias is never in memory.
import { alibi } from '@alibi/alibi'
import { selectBackend } from '@alibi/backend'
import { reference } from '@alibi/core'

const KERNEL = `
struct Sizes { heads: u32, queries: u32, keys: u32 }
@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> slopes: array<f32>;
@group(0) @binding(2) var<storage, read_write> scores: array<f32>; // [heads, queries, keys], already scaled

@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= sizes.heads * sizes.queries * sizes.keys) { return; }
  let key = i % sizes.keys;
  // The last query is at the last key: with a KV cache there are fewer queries than keys.
  let query = (i / sizes.keys) % sizes.queries + sizes.keys - sizes.queries;
  let head = i / (sizes.keys * sizes.queries);
  if (key > query) { scores[i] = -3.0e38; return; }
  scores[i] -= slopes[head] * f32(query - key);
}`

declare const navigator: { readonly gpu: GPU }
// Gives Node a `navigator.gpu`, as browsers have. On a machine without a GPU the processor stands in for one.
const { device: name } = await selectBackend('webgpu').catch(() => selectBackend('webgpu', { software: true }))
const adapter =
  (await navigator.gpu.requestAdapter()) ?? (await navigator.gpu.requestAdapter({ forceFallbackAdapter: true }))
const device = await adapter!.requestDevice()
console.log(`on ${name}`)

const [heads, queries, keys] = [2, 1, 4]
const { bias } = alibi({ numHeads: heads })
if (bias?.kind !== 'linear') throw new Error('expected slopes alone')
const slopes = Float32Array.from(bias.slopes(reference, {}).data)
const scores = new Float32Array(heads * queries * keys).fill(1)

/** A buffer on the device with this content. */
function upload(data: Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>, usage: number): GPUBuffer {
  const buffer = device.createBuffer({ size: data.byteLength, usage: usage | GPUBufferUsage.COPY_DST })
  device.queue.writeBuffer(buffer, 0, data)
  return buffer
}
const result = upload(scores, GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC)
const buffers = [
  upload(Uint32Array.of(heads, queries, keys, 0), GPUBufferUsage.UNIFORM),
  upload(slopes, GPUBufferUsage.STORAGE),
  result,
]
const module = device.createShaderModule({ code: KERNEL })
const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } })
const encoder = device.createCommandEncoder()
const pass = encoder.beginComputePass()
pass.setPipeline(pipeline)
const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }))
pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }))
pass.dispatchWorkgroups(Math.ceil(scores.length / 64))
pass.end()
const read = device.createBuffer({ size: scores.byteLength, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ })
encoder.copyBufferToBuffer(result, 0, read, 0, scores.byteLength)
device.queue.submit([encoder.finish()])
await read.mapAsync(GPUMapMode.READ)
console.log(new Float32Array(read.getMappedRange().slice(0))) // → 0.8125, 0.875, 0.9375, 1, 0.98828, 0.99219, 0.99609, 1
device.destroy()
