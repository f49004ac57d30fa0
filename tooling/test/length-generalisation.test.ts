// The tables of docs/length-generalisation.md, made again from the results that are kept.
import { type BySeed, pairedTest, type TaskLine } from '@alibi/results'
import { expect, it } from 'vitest'
import { mean, pageOf } from './kept-tables.js'

const { kept, rowsBelow } = pageOf('length-generalisation.md')
const { tasks: lines } = kept('length-generalisation')
const TASKS = ['addition', 'copy', 'count', 'parity', 'polynomial', 'reversal', 'sorting', 'sum']
const LENGTHS = [20, 22, 24, 28, 32, 36]
const TRAINED = 18

const isBeyond = ({ evalLength }: TaskLine) => evalLength > TRAINED
const isWithin = ({ evalLength }: TaskLine) => evalLength <= TRAINED
/** The mean share of right answers of a strategy; each task, seed and length counts alike. */
const score = (strategy: string, of: (line: TaskLine) => boolean) =>
  mean(lines.filter((line) => line.strategy === strategy && of(line)).map((line) => line.score))
const percent = (share: number) => `${Math.round(100 * share)} %`
const seeds = (strategy: string): BySeed =>
  new Map([1, 2, 3].map((seed) => [seed, score(strategy, (line) => line.seed === seed && isBeyond(line))]))

it('every model was tried on its task at every length', () => {
  expect(lines.length).toBe(5 * 8 * 3 * 10)
  expect(lines.every(({ task, trainedOn, trials }) => task === trainedOn && trials === 200)).toBe(true)
})

it.each([
  ['Beyond the train length', isBeyond],
  ['Within the train length', isWithin],
] as const)('%s', (heading, isThere) => {
  const rows = rowsBelow(heading)
  expect(rows.size).toBe(5)
  for (const [strategy, cells] of rows) {
    const shares = TASKS.map((task) => score(strategy, (line) => line.task === task && isThere(line)))
    expect([strategy, ...cells]).toEqual([strategy, ...shares.map(percent), percent(mean(shares))])
  }
})

it('ranks, and differences from models without positions', () => {
  const rows = rowsBelow('Ranks')
  expect(rows.size).toBe(5)
  const strategies = [...rows.keys()]
  const ofTask = (strategy: string, task: string) => score(strategy, (line) => line.task === task && isBeyond(line))
  const rank = (strategy: string, task: string) => {
    const own = ofTask(strategy, task)
    const others = strategies.map((other) => ofTask(other, task))
    return 1 + others.filter((other) => other > own).length + (others.filter((other) => other === own).length - 1) / 2
  }
  for (const [strategy, cells] of rows) {
    const { difference, interval } = pairedTest(seeds(strategy), seeds('none')) ?? { difference: 0, interval: [0, 0] }
    const points = [difference, ...interval].map((share) => (100 * share).toFixed(1).replace('-', '−'))
    expect([strategy, ...cells]).toEqual([
      strategy,
      mean(TASKS.map((task) => rank(strategy, task))).toFixed(2),
      strategy === 'none' ? '—' : `${points[0]} (${points[1]} to ${points[2]})`,
    ])
  }
})

it('right answers by length', () => {
  const rows = rowsBelow('By length')
  expect(rows.size).toBe(5 * 5)
  for (const [name, cells] of rows) {
    const [task, strategy] = name.split(', ') as [string, string]
    const at = (length: number) => (line: TaskLine) => line.task === task && line.evalLength === length
    expect([name, ...cells]).toEqual([name, ...LENGTHS.map((length) => percent(score(strategy, at(length))))])
  }
})
