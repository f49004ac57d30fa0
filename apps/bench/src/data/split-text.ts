import { characterStart } from './text-pieces.js'

/** Text to train on and text held out: no byte is in both. */
export interface SplitText {
  readonly train: Uint8Array
  readonly valid: Uint8Array
  /** Where it comes from and how it was split, in a few words. */
  readonly description: string
}

export interface ReadOptions {
  readonly log: (line: string) => void
  readonly signal?: AbortSignal | undefined
}

/** The share that is held out where nothing else says it. */
export const HELD_OUT = 0.1

/**
 * Holds out the last tenth.
 *
 * @throws Error, one line, for no text
 */
export function holdOutEnd(text: Uint8Array, source: string): SplitText {
  if (text.length === 0) throw new Error(`data: expected text, got ${source}, which is empty`)
  const at = characterStart(text, Math.floor(text.length * (1 - HELD_OUT)))
  return { train: text.subarray(0, at), valid: text.subarray(at), description: `${source}, its last tenth held out` }
}
