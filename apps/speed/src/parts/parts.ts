import { evaluation } from './evaluation.js'
import { families, strategies, trainShort } from './families.js'
import { decoding, prefill } from './generation.js'
import { lengths } from './lengths.js'
import { memory } from './memory.js'
import type { Part } from './part.js'
import { training } from './training.js'
import { wasm } from './wasm.js'

/** Those that others are compared in. */
export const besidePeers: readonly Part[] = [...training, ...evaluation, decoding, prefill, memory]

/** In the order they are measured in. */
export const parts: readonly Part[] = [...besidePeers, families, strategies, trainShort, lengths, wasm]
