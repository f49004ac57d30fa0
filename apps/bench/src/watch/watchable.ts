import type { View } from './view.js'

/** What a page shows live. */
export interface Watchable<W> {
  /** Where it is, for people. */
  readonly name: string
  /** @returns the same object as long as nothing has changed */
  read(): Promise<W>
  /** @param last - lines that a point of the loss is the mean of */
  view(watched: W, last: number): View
  /** Whether there is more that was not read yet. */
  isReading(watched: W): boolean
  /** The log of a cell that the page links to; undefined if there is no such cell. */
  log?(cell: string): Promise<string | undefined>
}
