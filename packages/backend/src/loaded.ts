import type { WebgpuReport } from './webgpu/device.js'

/** What a loader knows of the backend it loaded. */
export interface LoadedBackend {
  /** What computes: a GPU's name, or the processor's with its threads. */
  readonly device: string
  /** Whether a GPU computes. */
  readonly isGpu: boolean
  /** The npm package that provides it. */
  readonly package: string
  /** Version of the library that computes, e.g. TensorFlow's. */
  readonly version: string
  /** Features and limits; on webgpu. */
  readonly webgpu?: WebgpuReport
}

export const oneLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).trim().split('\n')[0]!.trim()
