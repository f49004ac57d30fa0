import type { Backend, BackendName } from '@alibi/backend'
import type { RunConfig } from '../config/schema.js'

/** What a sweep has done in a process of its own. */
export type Job =
  | {
      /** Finds out what names stand for. */
      readonly kind: 'resolve'
      readonly runs: readonly RunConfig[]
      /** Processes that will work at once. */
      readonly jobs: number
      readonly backend: BackendName | 'auto'
    }
  | {
      /** Times a few training steps. */
      readonly kind: 'probe'
      readonly run: RunConfig
      readonly backend: BackendName
    }
  | {
      /** Trains and evaluates what a folder lacks of its run. */
      readonly kind: 'run'
      readonly run: RunConfig
      readonly folder: string
      readonly backend: BackendName
      /** Trains models anew whose checkpoints are damaged. */
      readonly retrain: boolean
      /** For event files, if they are asked for. */
      readonly tensorboard?: string | undefined
    }

/** What each kind of job comes to. */
export interface Outcomes {
  readonly resolve: {
    readonly backend: Pick<Backend, 'name' | 'device'>
    readonly versions: Record<string, string>
    readonly commit: string | null
    /** The same, their strategies by name with what identifies those that the bench does not have itself. */
    readonly runs: readonly RunConfig[]
    /** Of each run: a hash of its tokens, those held out and what they stand for. */
    readonly texts: readonly string[]
  }
  /** Seconds a step. */
  readonly probe: number
  readonly run: null
}

/** From the process to the sweep: the calls of its {@link Progress}, then how it ended. */
export type Report =
  | { readonly type: 'line'; readonly text: string }
  | { readonly type: 'start'; readonly cell: string; readonly work: string; readonly total: number }
  | { readonly type: 'update'; readonly done: number; readonly details: readonly string[] }
  | { readonly type: 'stop' }
  | { readonly type: 'done'; readonly outcome: Outcomes[keyof Outcomes] }
  | { readonly type: 'failed'; readonly message: string }

/** From the sweep to the process: stop, with a checkpoint. Losing the sweep means the same. */
export const STOP = 'stop'
