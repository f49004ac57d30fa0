// Letters: M/N rows/columns of the result, K the dimension summed over.
import type { WasmBackend, WasmMemory } from './heap.js'
import { matricesModule } from './matrices-module.js'

/** A matrix on the heap: where it begins, in bytes, and how many numbers its rows and its columns are apart. */
interface MatrixAt {
  readonly address: number
  readonly row: number
  readonly column: number
}

/** Our WebAssembly (native/matrices.as.ts) on TensorFlow.js's heap. */
export interface Matrices {
  /** Writes a product: M × N numbers one after another, from an address on. */
  multiply(left: MatrixAt, right: MatrixAt, result: number, sizes: readonly [M: number, N: number, K: number]): void
  /**
   * Adds up rows of 32-bit floats.
   *
   * @param from - the address of the first row
   * @param sums - the address of `width` 64-bit floats, which are overwritten
   */
  sumRows(from: number, rows: number, width: number, sums: number): void
}

/** What is used of `WebAssembly`, whose types are those of browsers. */
interface WebAssemblyHere {
  validate(bytes: Uint8Array): boolean
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (
    module: object,
    imports: { readonly env: { readonly memory: WasmMemory } },
  ) => { readonly exports: object }
}

interface Exports extends Pick<Matrices, 'sumRows'> {
  workBytes(): number
  multiply(...numbers: readonly number[]): void
}

const made = new WeakMap<WasmBackend, Matrices | undefined>()

/** @returns undefined where there is no SIMD, or the heap is shared with threads of TensorFlow.js's own */
export function matricesOf(backend: WasmBackend): Matrices | undefined {
  if (!made.has(backend)) made.set(backend, instantiate(backend))
  return made.get(backend)
}

function instantiate({ wasm }: WasmBackend): Matrices | undefined {
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyHere }
  const bytes = Uint8Array.from(atob(matricesModule), (character) => character.charCodeAt(0))
  const { memory } = wasm.asm
  if (!WebAssembly.validate(bytes) || !(memory.buffer instanceof ArrayBuffer)) return undefined
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } })
  const { multiply, sumRows, workBytes } = exports as Exports
  const work = wasm._malloc(workBytes())
  return {
    multiply: (left, right, result, [M, N, K]) =>
      multiply(left.address, left.row, left.column, right.address, right.row, right.column, result, M, N, K, work),
    sumRows,
  }
}
