import type { Replicas } from '@alibi/backend'
import { versionsOf } from '@alibi/machine'
import type { RunConfig } from '../config/schema.js'
import type { Corpus } from '../data/corpus.js'
import type { RunPlan } from '../run-folder/begin.js'
import { shareJson, shareNumber } from './exchange.js'

/** What the leader tells the others before they begin. */
export interface Announced {
  readonly config: RunConfig
  /** The folder of results, on the leader's machine. */
  readonly folder: string
  /** Versions of what computes. */
  readonly versions: Readonly<Record<string, string>>
  /** What reads the text, where it is decided already. */
  readonly tokenizer?: unknown
}

/** Tells all who join what is trained. */
export function announce(replicas: Replicas, { config, folder, backend, tokenizer }: RunPlan): void {
  const stored = tokenizer?.toJSON()
  const announced: Announced = { config, folder, versions: versionsOf(backend), ...(stored && { tokenizer: stored }) }
  shareJson(replicas, announced)
}

/**
 * Of all replicas, once each has read the text.
 *
 * @throws Error, one line, on a replica that has read another
 */
export function expectText(replicas: Replicas, { hash, description }: Pick<Corpus, 'hash' | 'description'>): void {
  const wanted = shareJson(replicas, hash)
  if (hash !== wanted)
    throw new Error(
      `replicas: expected the text that replica 0 has read on replica ${replicas.index}, got another from ${description}; give all the same --data`,
    )
}

const END = 0

/** Has all replicas train the cell with this number. */
export const orderCell = (replicas: Replicas, index: number): void => void shareNumber(replicas, index + 1)

/** Has all replicas evaluate the cell that they have trained, by the evaluation with this number among those planned for it. */
export const orderEvaluation = (replicas: Replicas, index: number): void => void shareNumber(replicas, -(index + 1))

/** What all replicas do next, by its number. */
export type Order = { readonly cell: number } | { readonly evaluation: number }

/** @returns the next order, as the leader gives it; undefined: there is none */
export function nextOrder(replicas: Replicas): Order | undefined {
  const order = shareNumber(replicas)
  if (order === END) return undefined
  return order > 0 ? { cell: order - 1 } : { evaluation: -order - 1 }
}

/** Lets the others end, who wait for an order. */
export function dismiss(replicas: Replicas): void {
  replicas.leave()
  shareNumber(replicas, END)
}
