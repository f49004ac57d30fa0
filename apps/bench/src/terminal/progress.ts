/** Shows a person how far work is. */
export interface Progress {
  /** A line that stays, above what is going on. */
  line(text: string): void
  /**
   * Begins a piece of work; the one before it ends.
   *
   * @param cell - the model that it is for
   * @param work - e.g. `train`
   */
  start(cell: string, work: string, total: number): void
  /**
   * @param done - of the total
   * @param details - e.g. the loss; the most important first
   */
  update(done: number, details: readonly string[]): void
  /** Ends the piece of work, if one has begun. */
  stop(): void
}
