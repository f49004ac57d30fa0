import type { TensorInfo, TypedArray } from '@tensorflow/tfjs'

/** What the kernels here use of `BackendWasm`, which its package does not export. */
export interface WasmBackend {
  readonly dataIdMap: {
    get(dataId: object): { readonly id: number; readonly memoryOffset: number }
    delete(dataId: object): boolean
  }
  readonly wasm: {
    cwrap(name: string, returns: null, types: readonly string[]): (...args: readonly unknown[]) => void
    readonly tfjs: { disposeData(id: number): void }
  }
  /** @param memoryOffset - the bytes belong to someone else. Absent: allocated */
  makeOutput(shape: readonly number[], dtype: string, memoryOffset?: number): TensorInfo
  typedArrayFromHeap(info: TensorInfo): TypedArray
  disposeData(dataId: object): boolean
}
