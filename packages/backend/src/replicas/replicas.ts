/** Processes or threads that train one model together, each on its part of every batch. */
export interface Replicas {
  /** Which of them this is, from 0. */
  readonly index: number
  /** How many there are. */
  readonly count: number
  /**
   * Adds up an array over all replicas, which all call it with as many numbers. Waits until they have. A number that the others
   * add −0 to keeps its bits: what is gathered so is exact.
   *
   * @returns the sums, the same bits on every replica
   * @throws ReplicaLostError where one is gone
   */
  sum(values: Float64Array): Float64Array
  /**
   * Gives everyone the first replica's numbers, bit for bit.
   *
   * @param values - of the first replica; of the others only the length counts
   * @throws ReplicaLostError where one is gone
   */
  share(values: Float32Array): Float32Array
  /** Says that this process goes on alone: others may end from here on. */
  leave(): void
}
