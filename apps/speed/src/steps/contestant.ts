/** A training step's shape: all contestants build the same model for it. */
export interface Size {
  readonly name: string
  readonly batch: number
  readonly length: number
  readonly layers: number
  readonly dim: number
  readonly heads: number
  readonly vocabulary: number
  /** Steps timed at a time. */
  readonly steps: number
}

/** Somebody's step or pass (fp32), ready to be timed. */
export interface Contestant {
  readonly name: string
  /**
   * What the start's rows come to (losses, tokens): who computes the same model computes the same. Absent where nothing was
   * started from.
   */
  readonly answers?: readonly number[] | undefined
  /** Versions of what computes, where that is not this process. */
  readonly versions?: Readonly<Record<string, string>> | undefined
  /** @returns seconds a step, over `steps` of them on fresh random tokens */
  run(steps: number): Promise<number>
  dispose(): void
}

/** Why somebody does not take part, in one line. */
export interface Absent {
  readonly name: string
  readonly reason: string
}

/** B rows of L + 1 random tokens. */
export const randomRows = ({ batch, length, vocabulary }: Size): Int32Array[] =>
  Array.from({ length: batch }, () =>
    Int32Array.from({ length: length + 1 }, () => Math.floor(Math.random() * vocabulary)),
  )

/** Times `step`, which must wait for its own result. */
export async function timeSteps(steps: number, step: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  for (let i = 0; i < steps; i++) await step()
  return (performance.now() - started) / 1000 / steps
}
