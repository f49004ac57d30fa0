import type { Checkpoint } from './protocol.js'

/** What is known of one strategy's model so far. */
export interface Outcome {
  readonly strategy: string
  /** The loss of each step, in nats a byte. */
  readonly losses: number[]
  /** By evaluation length. */
  readonly perplexity: Map<number, number>
  tokensPerSecond: number
  trained: boolean
  /** The files of its checkpoint, once it is trained where pages may hash. */
  checkpoint?: Checkpoint
  text: string
}

export const newOutcome = (strategy: string): Outcome => ({
  strategy,
  losses: [],
  perplexity: new Map(),
  tokensPerSecond: 0,
  trained: false,
  text: '',
})

const TITLES: Readonly<Record<string, string>> = {
  alibi: 'ALiBi',
  sinusoidal: 'Sinusoidal',
  rotary: 'Rotary',
  't5-bias': 'T5 bias',
  none: 'None',
  forgetting: 'Forgetting',
  irope: 'iRoPE',
}

/** The paper's, in the order in which they are compared. */
export const strategies: readonly string[] = ['alibi', 'sinusoidal', 'rotary', 't5-bias']

export const titleOf = (strategy: string): string => TITLES[strategy]!
