// The simulated queue, where what comes out can be counted by hand.
import { expect, it } from 'vitest'
import { simulateQueue } from '../queue-simulation.mjs'

const nothing = { serverSeconds: 0, seconds: 0, bytes: 0 }
const arriving = { ...nothing, ownSeconds: 0, atOnce: 1 }
const free = { enqueue: nothing, take: nothing, arrive: arriving, hold: nothing, look: nothing }
const plan = { workers: 10, cells: 95, durations: [60], costs: free, seed: 1 }

it('costs nothing where nothing costs: rounds of cells, and a look at the last ones', () => {
  const { seconds, efficiency, done, deaths, redisBusy } = simulateQueue(plan)
  expect([done, deaths, redisBusy]).toEqual([95, 0, 0])
  // And the sweep looks each half second.
  expect(seconds - 10 * 60).toBeLessThanOrEqual(0.5)
  expect(seconds).toBeGreaterThanOrEqual(600)
  // The tenth round has five cells.
  expect(efficiency).toBeCloseTo(0.95, 10)
})

it('a worker’s cell begins when its process does', () => {
  const { seconds } = simulateQueue({ ...plan, startSeconds: 15 })
  expect(seconds - 10 * 75).toBeLessThanOrEqual(0.5)
  expect(seconds).toBeGreaterThanOrEqual(750)
})

it('Redis takes one request at a time: a hundred cells of a second each take a hundred seconds', () => {
  const costs = { ...free, take: { ...nothing, serverSeconds: 1 } }
  const { seconds, redisBusy, longestWait } = simulateQueue({
    ...plan,
    cells: 100,
    workers: 100,
    durations: [1],
    costs,
  })
  expect(seconds).toBeGreaterThanOrEqual(100)
  expect(seconds).toBeLessThan(102)
  expect(redisBusy).toBeGreaterThan(0.95)
  // The last worker is heard after all others have asked.
  expect(longestWait).toBeCloseTo(50, 0)
})

it('words and looks take their share of Redis, by how often there are some', () => {
  const costs = { ...free, hold: { ...nothing, serverSeconds: 0.02 }, look: { ...nothing, serverSeconds: 0.005 } }
  const busy = (more: object) => simulateQueue({ ...plan, cells: 100, costs, ...more }).redisBusy
  // Ten cells at once: a word each five seconds, a look each two.
  expect(busy({})).toBeCloseTo(10 * (0.004 + 0.0025), 2)
  expect(busy({ wordEvery: 1 })).toBeCloseTo(10 * (0.02 + 0.0025), 2)
  expect(busy({ wordEvery: 1, lookEvery: 0.05 })).toBeCloseTo(10 * (0.02 + 0.025), 2)
  expect(busy({ wordEvery: 1, showEvery: 1 })).toBeCloseTo(10 * (0.02 + 0.01), 2)
})

it('ends where words take more of Redis than it has', () => {
  const costs = { ...free, hold: { ...nothing, serverSeconds: 0.25 } }
  expect(simulateQueue({ ...plan, costs, wordEvery: 1 }).overload).toBe(4)
  expect(simulateQueue({ ...plan, costs }).overload).toBeUndefined()
})

it('a sweep that cannot fetch as fast as cells are finished is behind, and ends later', () => {
  const costs = {
    ...free,
    enqueue: { ...nothing, bytes: 1000 },
    take: { ...nothing, bytes: 500 },
    arrive: { ...arriving, seconds: 60 },
  }
  const slow = { ...plan, cells: 100, costs, fetchAtOnce: 1 }
  const { seconds, sweepBusy, waitingCells, redisBytes } = simulateQueue(slow)
  expect(seconds).toBeGreaterThan(100 * 60)
  expect(seconds).toBeLessThan(101.5 * 60 + 60)
  expect(sweepBusy).toBeGreaterThan(0.95)
  // Nine of ten of a round wait for the one that is fetched.
  expect(waitingCells).toBeGreaterThanOrEqual(80)
  expect(redisBytes).toBeGreaterThanOrEqual(1000 * 100)
  expect(redisBytes).toBeLessThanOrEqual(1500 * 100)
})

it('several fetched at once take as long as was measured so, else as they wait together and are computed one by one', () => {
  const measured = { ...arriving, seconds: 80, ownSeconds: 12, atOnce: 1 }
  const secondsOf = (changes: object, fetchAtOnce: number) =>
    simulateQueue({
      ...plan,
      cells: 10,
      durations: [1],
      costs: { ...free, arrive: { ...measured, ...changes } },
      fetchAtOnce,
    }).seconds
  // All ten are finished when it looks after a second and a half.
  expect(secondsOf({}, 1)).toBeCloseTo(1.5 + 10 * 80, 0)
  expect(secondsOf({}, 4)).toBeCloseTo(1.5 + 10 * 20, 0)
  expect(secondsOf({}, 8)).toBeCloseTo(1.5 + 10 * 12, 0)
  expect(secondsOf({ atOnce: 8 }, 8)).toBeCloseTo(1.5 + 10 * 80, 0)
})

it('deaths: every cell is done all the same, and only what was not saved is done twice', () => {
  const deadly = { ...plan, cells: 1000, deathsAnHour: 6, absentSeconds: 0 }
  const [all, saved] = [simulateQueue(deadly), simulateQueue({ ...deadly, savedEvery: 10 })]
  for (const { done, deaths, lostSeconds } of [all, saved]) {
    expect(done).toBe(1000)
    // A cell of a minute is a tenth of ten minutes: 1000 (e^0.1 − 1) deaths.
    expect(deaths).toBeGreaterThan(70)
    expect(deaths).toBeLessThan(140)
    expect(lostSeconds).toBeGreaterThan(0)
  }
  // Half a minute each, against five seconds.
  expect(all.lostSeconds / all.deaths).toBeGreaterThan(20)
  expect(saved.lostSeconds / saved.deaths).toBeLessThanOrEqual(5)
  expect(saved.efficiency).toBeGreaterThan(all.efficiency)
})

it('is the same from the same seed', () => {
  const random = { ...plan, durations: [10, 20, 70], deathsAnHour: 1 }
  expect(simulateQueue(random)).toEqual(simulateQueue(random))
  expect(simulateQueue(random)).not.toEqual(simulateQueue({ ...random, seed: 2 }))
})
