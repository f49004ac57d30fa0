// What the page and its worker say to each other.
import type { BrowserBackendName } from '@alibi/backend/browser'

/** `software`: WebGPU on the processor. */
export type BackendChoice = 'auto' | BrowserBackendName | 'software'

export interface Experiment {
  /** Trained one after the other. */
  readonly strategies: readonly string[]
  /** Tokens in a training sequence; a token is a byte. */
  readonly trainLength: number
  readonly steps: number
  readonly train: Int32Array
  readonly valid: Int32Array
}

export interface Writing {
  /** A trained one. */
  readonly strategy: string
  readonly prompt: string
  readonly temperature: number
}

/** Files by their names, as `checkpointFiles` makes them. */
export type Checkpoint = Readonly<Record<string, Uint8Array | string>>

export type ToWorker =
  | { readonly type: 'open'; readonly backend: BackendChoice }
  | { readonly type: 'run'; readonly experiment: Experiment; readonly prompt: string; readonly temperature: number }
  | { readonly type: 'write'; readonly writing: Writing }
  | { readonly type: 'pause' | 'resume' | 'stop' }

export type FromWorker =
  | { readonly type: 'opened'; readonly name: BrowserBackendName; readonly device: string; readonly whyNotGpu?: string }
  | {
      readonly type: 'step'
      readonly strategy: string
      readonly step: number
      readonly loss: number
      readonly tokensPerSecond: number
    }
  | { readonly type: 'trained'; readonly strategy: string; readonly checkpoint?: Checkpoint }
  | { readonly type: 'evaluated'; readonly strategy: string; readonly evalLength: number; readonly perplexity: number }
  | { readonly type: 'text'; readonly strategy: string; readonly text: string }
  /** The work that was asked for is done or was stopped. */
  | { readonly type: 'idle' }
  | { readonly type: 'failed'; readonly message: string }
