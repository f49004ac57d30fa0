import { expect, it } from 'vitest'
import { corpusOf, evalLengthsOf, LARGEST_BYTES, problemOfText } from '../src/corpus.js'
import { sentenceOf } from '../src/problems.js'

it('makes one sentence with what to do of what goes wrong in the worker', () => {
  expect(sentenceOf('webgpu: the device was lost (unknown): gone; select the backend again')).toMatch(
    /^The GPU was lost.* start again/,
  )
  expect(sentenceOf('webgpu: kernel Fill ran out of memory: no; select the backend again')).toMatch(
    /^The memory ran out/,
  )
  expect(sentenceOf('Array buffer allocation failed')).toMatch(/^The memory ran out.*shorter train length/)
  expect(sentenceOf('train: expected a finite loss, got NaN at step 7')).toMatch(/^The training ran away/)
  expect(sentenceOf('selectBackend: expected webgpu to work here, got: no GPU was found')).toBe(
    'That device does not work here: no GPU was found.',
  )
  expect(sentenceOf('x is not a function\n  at y')).toBe(
    'Something went wrong, so what was trained is gone; start again. (x is not a function)',
  )
})

it('asks for text enough: as many bytes as it says suffice, one less does not', () => {
  expect(problemOfText(corpusOf(''), 64)).toMatch(/^There is no text/)
  expect(problemOfText(corpusOf('x'.repeat(LARGEST_BYTES + 1)), 64)).toMatch(/takes 2,000,000 at most/)
  for (const trainLength of [16, 64, 256]) {
    const needed = 10 * (trainLength + 1)
    expect(problemOfText(corpusOf('x'.repeat(needed)), trainLength)).toBeUndefined()
    expect(problemOfText(corpusOf('x'.repeat(needed - 10)), trainLength)).toContain(
      `needs ${needed.toLocaleString('en-US')};`,
    )
  }
})

it('holds the last tenth of the bytes out and reads lengths that it fills', () => {
  const corpus = corpusOf('é'.repeat(500))
  expect([corpus.train.length, corpus.valid.length]).toEqual([900, 100])
  expect([...corpus.valid.slice(0, 2)]).toEqual([0xc3, 0xa9])
  expect(evalLengthsOf(corpus, 16)).toEqual([16, 32, 64])
  expect(evalLengthsOf(corpus, 99)).toEqual([99])
})
