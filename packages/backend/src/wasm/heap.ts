import type { TensorInfo, TypedArray } from '@tensorflow/tfjs'

/** What is used of `WebAssembly.Memory`. */
export interface WasmMemory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer
}

/** What the kernels here use of `BackendWasm`, which its package does not export. */
export interface WasmBackend {
  readonly dataIdMap: {
    get(dataId: object): { readonly id: number; readonly memoryOffset: number }
    delete(dataId: object): boolean
  }
  readonly wasm: {
    cwrap(name: string, returns: null, types: readonly string[]): (...args: readonly unknown[]) => void
    readonly tfjs: { disposeData(id: number): void }
    readonly asm: { readonly memory: WasmMemory }
    /** @returns an address */
    _malloc(bytes: number): number
    _free(address: number): void
  }
  /** @param memoryOffset - the bytes belong to someone else. Absent: allocated */
  makeOutput(shape: readonly number[], dtype: string, memoryOffset?: number): TensorInfo
  incRef(dataId: object): void
  typedArrayFromHeap(info: TensorInfo): TypedArray
  disposeData(dataId: object): boolean
}
