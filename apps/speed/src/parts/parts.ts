import { evaluation } from './evaluation.js'
import { families, strategies, trainShort } from './families.js'
import { decoding, prefill } from './generation.js'
import { lengths } from './lengths.js'
import { memory } from './memory.js'
import { npmStart, npmStartOnWasm } from './npm-start.js'
import type { Part } from './part.js'
import { training } from './training.js'
import { wasm, wasmThreads } from './wasm.js'

/** Those that others are compared in. */
const besidePeers: readonly Part[] = [...training, ...evaluation, decoding, prefill, memory]

/** Those of the README's table, which are measured where nobody says which. */
export const usual: readonly Part[] = [...besidePeers, npmStart, npmStartOnWasm, wasmThreads]

/** In the order they are measured in: the last ones select another backend. */
export const parts: readonly Part[] = [
  ...besidePeers,
  ...[families, strategies, trainShort, lengths, npmStart, npmStartOnWasm, wasm, wasmThreads],
]
