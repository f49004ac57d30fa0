/**
 * Prompts as rows of one length, filled up on the left with a token that no other sees.
 *
 * @returns the rows, and how many tokens fill up each; undefined where all prompts are as long
 */
export function leftPadded(prompts: readonly Int32Array[]): {
  readonly rows: readonly Int32Array[]
  readonly padding: Int32Array | undefined
} {
  const length = prompts.reduce((most, prompt) => Math.max(most, prompt.length), 0)
  const padding = Int32Array.from(prompts, (prompt) => length - prompt.length)
  if (!padding.some(Boolean)) return { rows: prompts, padding: undefined }
  const rows = prompts.map((prompt, row) => {
    const filled = new Int32Array(length)
    filled.set(prompt, padding[row])
    return filled
  })
  return { rows, padding }
}
