import type { Tokenizer } from '@huggingface/tokenizers'

const nameOf = (byte: number) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`

/**
 * Makes a Unigram write what it has no piece for as its bytes, where its file says so (`byte_fallback`): the library does this
 * for BPE alone, and reads an unknown token otherwise.
 */
export function addByteFallback({ model }: Tokenizer): void {
  if (!model || !('byte_fallback' in model.config) || !model.config.byte_fallback) return
  // Of all models only a Unigram has a list.
  if (!Array.isArray(model.config.vocab)) return
  const { tokens_to_ids: ids } = model
  const encode = model.encode.bind(model)
  const inBytes = (piece: string) => {
    if (ids.has(piece)) return [piece]
    const bytes = Array.from(Buffer.from(piece), nameOf)
    return bytes.every((byte) => ids.has(byte)) ? bytes : [piece]
  }
  model.encode = (words: string[]) => encode(words).flatMap(inBytes)
}
