/** One thing that a kernel of attention must get right. */
export interface AttentionCase {
  /** What must hold, in words. */
  readonly name: string
  /** @throws Error, `attentionCases: expected X, got Y`; and what the kernel itself throws */
  run(): void | Promise<void>
}
