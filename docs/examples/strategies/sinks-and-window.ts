import { alibi } from '@alibi/alibi'
import { compose, defineStrategy } from '@alibi/core'
import { sinkLogit, windowed } from '@alibi/streaming'

export interface SinksAndWindowOptions {
  readonly numHeads: number
  readonly trainLength: number
}

/** ALiBi in a window of half the train length, with the first four tokens and a learned sink besides. */
export function sinksAndWindow({ numHeads, trainLength }: SinksAndWindowOptions) {
  const window = Math.max(1, Math.floor(trainLength / 2))
  const parts = [alibi({ numHeads }), windowed({ window, sinks: 4 }), sinkLogit({ numHeads })] as const
  return defineStrategy({ ...compose(...parts), name: 'sinks-and-window' })
}
