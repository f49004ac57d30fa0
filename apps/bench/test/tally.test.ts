import { emptyResults, SCHEMA_VERSION } from '@alibi/results'
import { expect, it } from 'vitest'
import type { CellState } from '../src/sweep/folder.js'
import { countAgain, tallyOf } from '../src/sweep/tally.js'

it('counts cells as they end, also those that are repeated', () => {
  const about = { backend: 'cpu', device: 'a test', versions: {}, commit: null }
  const config = { strategies: ['alibi'], seeds: [1], trainLength: 8 }
  const results = emptyResults({ type: 'run', schemaVersion: SCHEMA_VERSION, config, ...about })
  const [open, failed]: CellState[] = [{ end: undefined }, { end: 'failed', message: 'no' }]
  const finished = (seconds: number): CellState => ({ end: 'finished', results, seconds })
  const tally = tallyOf([open!, failed!, finished(2)])
  expect(tally).toEqual({ finished: 1, failed: 1, seconds: 2 })
  countAgain(tally, open!, finished(3))
  countAgain(tally, failed!, finished(4))
  expect(tally).toEqual({ finished: 3, failed: 0, seconds: 9 })
})
