import { expect, it } from 'vitest'
import { compare, difference } from '../src/steps/compare.js'
import type { Contestant } from '../src/steps/contestant.js'

const log: string[] = []
const disposed: string[] = []
const one = (name: string, seconds: number, answers?: readonly number[]): Contestant => ({
  name,
  answers,
  run: async () => seconds,
  dispose: () => void disposed.push(name),
})

it('times those that compute the same in groups beside ours, and says why others are absent', async () => {
  const groups = [
    [async () => one('same', 6, [6.25, 4]), async () => ({ name: 'not there', reason: 'pip install it' })],
    [async () => one('other', 1, [6.2501, 4]), async () => one('unasked', 8)],
  ]
  const turns = { steps: 1, rounds: 3, log: (line: string) => void log.push(line) }
  const { outcomes, absent } = await compare(one('ours', 2, [6.25, 4]), groups, turns)
  expect(outcomes.map(({ name, ratio }) => [name, ratio.median])).toEqual([
    ['ours', 1],
    ['same', 3],
    ['unasked', 4],
  ])
  expect(absent).toEqual([
    { name: 'not there', reason: 'pip install it' },
    { name: 'other', reason: 'it computes another model: expected 6.25, 4, got 6.2501, 4' },
  ])
  expect(log).toEqual(absent.map(({ name, reason }) => `  ${name}: ${reason}`))
  expect(disposed).toEqual(['same', 'other', 'unasked', 'ours'])
})

it('tells models apart by more than rounding', () => {
  const ours = one('ours', 1, [6.25])
  expect(difference(ours, one('peer', 1, [6.25 * (1 + 4e-6)]))).toBeUndefined()
  expect(difference(ours, one('peer', 1, [6.25 * (1 + 4e-5)]))).toBeDefined()
  expect(difference(ours, one('peer', 1, [Number.NaN]))).toBeDefined()
  expect(difference(ours, one('peer', 1, []))).toBeDefined()
})
