import type { Backend, BackendName } from '@alibi/backend'
import type { StartOptions } from '../checkpoints/start.js'
import type { RunConfig } from '../config/schema.js'
import type { PlannedRun } from './plan-cells.js'

/** What a sweep has done in a process of its own. */
export type Job =
  | {
      /** Finds out what names stand for. */
      readonly kind: 'resolve'
      readonly runs: readonly PlannedRun[]
      /** Processes that will work at once. */
      readonly jobs: number
      readonly backend: BackendName | 'auto'
    }
  | {
      /** Finds that out, what a folder has already, and about how long the rest will take. */
      readonly kind: 'estimate'
      readonly runs: readonly PlannedRun[]
      readonly folder: string
      /** Whether failed cells are to be done again. */
      readonly retry: boolean
      readonly jobs: number
      readonly backend: BackendName | 'auto'
    }
  | {
      /** Trains and evaluates what a folder lacks of its run. */
      readonly kind: 'run'
      readonly run: RunConfig
      /** The hash of its text; any other is refused. */
      readonly text?: string
      /** Where the text is on this machine, if not where the run has it. */
      readonly textAt?: string | undefined
      /** Where its tokenizer.json is on this machine, if not where the run has it. */
      readonly tokenizerAt?: string | undefined
      /** The cell's checkpoint that it goes on from, if it does. */
      readonly from?: StartOptions & { readonly name: string }
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
    readonly runs: readonly PlannedRun[]
    /** One hash for each run: of its tokens, those held out and what they stand for. */
    readonly texts: readonly string[]
  }
  readonly estimate: {
    /** Seconds of work. */
    readonly seconds: number
    /** What that was estimated from. */
    readonly from: string
    readonly backend: Pick<Backend, 'name' | 'device'>
    /** Each cell's id and how far it is. */
    readonly cells: readonly (readonly [id: string, state: string])[]
    /** Cells to be done. */
    readonly left: number
  }
  readonly run: null
}

/** From the process to the sweep: the calls of its {@link Progress}, then how it ended. */
export type Report =
  | { readonly type: 'line'; readonly text: string }
  | { readonly type: 'start'; readonly cell: string; readonly work: string; readonly total: number }
  | { readonly type: 'update'; readonly done: number; readonly details: readonly string[] }
  | { readonly type: 'stop' }
  | { readonly type: 'done'; readonly outcome: Outcomes[keyof Outcomes] }
  | {
      readonly type: 'failed'
      readonly message: string
      /** Whether a cell failed before its first step: for what this machine lacks, and another may have. */
      readonly unready: boolean
    }

/** From the sweep to the process: stop, with a checkpoint. Losing the sweep means the same. */
export const STOP = 'stop'
