/** Which WebGPU adapter is wanted. */
export interface WebgpuOptions {
  /** Whether to compute on the processor through a software adapter (SwiftShader): correct and slow. Default false. */
  readonly software?: boolean
}

/** What a WebGPU device is and can do, as it says itself. */
export interface WebgpuReport {
  /** Its name; a software adapter's says so. */
  readonly device: string
  /** Whether the processor does the work. */
  readonly software: boolean
  /** Features that were granted, e.g. `shader-f16`. */
  readonly features: readonly string[]
  /** Limits that were granted, e.g. `maxBufferSize` in bytes. */
  readonly limits: Readonly<Record<string, number>>
}

export interface OpenedDevice {
  readonly device: GPUDevice
  readonly info: GPUAdapterInfo
  readonly report: WebgpuReport
}

const FEATURES = ['shader-f16', 'subgroups', 'timestamp-query', 'bgra8unorm-storage'] as GPUFeatureName[]

/** Those that size buffers and workgroups; the rest keep WebGPU's defaults. */
const LIMITS = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupsPerDimension',
] as const

/**
 * Opens the fastest GPU with every feature and limit that kernels can use.
 *
 * @throws Error, one line, where there is no adapter of the wanted kind
 */
export async function openDevice(gpu: GPU, { software = false }: WebgpuOptions = {}): Promise<OpenedDevice> {
  const adapter = await (software ? softwareAdapter(gpu) : gpu.requestAdapter({ powerPreference: 'high-performance' }))
  if (!adapter) throw new Error(software ? 'no software adapter was found' : 'no GPU was found')
  const { info } = adapter
  if (isSoftware(info) && !software)
    throw new Error(`only a software adapter (${nameOf(info)}) was found; code may ask for it with { software: true }`)
  const device = await adapter.requestDevice({
    requiredFeatures: FEATURES.filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(LIMITS.map((name) => [name, adapter.limits[name]])),
  })
  const report = {
    device: isSoftware(info) ? `${nameOf(info)} (software adapter)` : nameOf(info),
    software: isSoftware(info),
    features: [...device.features].sort(),
    limits: Object.fromEntries(LIMITS.map((name) => [name, device.limits[name]])),
  }
  return { device, info, report }
}

/** Dawn's fallback is SwiftShader alone; another driver for the processor, as Mesa's, is an adapter like any. */
async function softwareAdapter(gpu: GPU): Promise<GPUAdapter | null> {
  const fallback = await gpu.requestAdapter({ forceFallbackAdapter: true })
  if (fallback) return fallback
  const any = await gpu.requestAdapter()
  return any && isSoftware(any.info) ? any : null
}

const isSoftware = ({ isFallbackAdapter, architecture, description }: GPUAdapterInfo) =>
  isFallbackAdapter || /swiftshader|llvmpipe|basic render/i.test(`${architecture} ${description}`)

/** Dawn names the device (`nvidia-h200`) and its driver; browsers leave most of it empty. */
const nameOf = ({ device, description, vendor, architecture }: GPUAdapterInfo) =>
  [device.replace(/-+$/, ''), description].filter((name) => name.trim()).join(', ') ||
  `${vendor} ${architecture}`.trim() ||
  'a GPU'
