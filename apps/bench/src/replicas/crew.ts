// Replicas that have joined, and what it takes.
import type { Replicas } from '@alibi/backend'
import type { RunOptions } from '../config/schema.js'
import type { Corpus } from '../data/corpus.js'

/** The replicas, and what ends their work. */
export interface Crew {
  readonly replicas: Replicas
  /** The run's own signal, which is aborted as well when a replica is gone. */
  readonly signal: AbortSignal
}

/** The replicas, as the first one has them. */
export interface Leading extends Crew {
  /**
   * Begins the work with the others, once the text is read here.
   *
   * @throws Error, one line, for a replica that has read another
   */
  begin(corpus: Corpus): void
}

export interface JoinOptions {
  readonly signal: AbortSignal
  readonly log: (line: string) => void
}

/** What a leader needs to join the others. */
export interface GatherOptions extends JoinOptions {
  /** As it was asked for here. */
  readonly given: RunOptions
  /** Where the strategy of a model is that training goes on from. */
  readonly strategy?: string | undefined
}
