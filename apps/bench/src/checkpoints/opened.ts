import type { FairseqTraining } from '@alibi/fairseq'
import type { Model } from '@alibi/transformer'
import type { Origin } from '../config/from.js'
import type { FirstToken } from '../data/tokenizer/first-token.js'
import type { Tokenizer } from '../data/tokenizer/tokenizer.js'

export interface OpenedCheckpoint {
  /** Who wrote it. */
  readonly writer: 'bench' | 'transformers' | 'fairseq'
  readonly model: Model
  readonly tokenizer: Tokenizer
  /** The name of its positions in results. */
  readonly strategy: string
  /** The kind of strategy that its position parameters belong to: a built-in's name without options, or a plugin's. */
  readonly kind: string
  /** How its positions are made again. */
  readonly origin: Origin
  /** The name of the positions that it was trained with, where others are in their place. */
  readonly trainedWith?: string
  /** 0 for one from elsewhere, which does not say it. */
  readonly seed: number
  /** Absent for one from elsewhere that does not say it. */
  readonly trainLength: number | undefined
  /** The range that positions were drawn from in training, if they were. */
  readonly randomPositions?: number | undefined
  readonly data: string
  /** Whether it was trained on documents that do not see each other. */
  readonly pack?: boolean | undefined
  /** What is read before held-out text. */
  readonly firstToken: FirstToken
  /** How one of fairseq was trained, as far as it says it. */
  readonly training?: FairseqTraining | undefined
  /** The family of Hugging Face transformers that it is built like, or fairseq, if any. */
  readonly architecture?: string | undefined
}

/** What else says how a checkpoint is to be opened. */
export interface OpenOptions {
  /** Where its strategy is now; default: where it was in training. For fairseq: its name, if the file has none. */
  readonly strategy?: string | undefined
  /** For fairseq: where its words are. */
  readonly vocabulary?: string | undefined
  /** In place of the positions that it was trained with: a scaling of its rotary ones, or a strategy. */
  readonly positions?: string | undefined
  /** For one that does not say it. */
  readonly trainLength?: number | undefined
}
