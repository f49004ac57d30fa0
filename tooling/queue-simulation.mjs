// A queue with many workers, by discrete events: what is measured of one cell, for a million of them. docs/scale.md has the table.
//     node tooling/queue-simulation.mjs
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { seededRandom } from '@alibi/core'
import { cellId, parseResults } from '@alibi/results'
import { root } from './setup.mjs'

/**
 * @typedef {object} Costs What the bench's queue costs, measured: seconds of Redis's thread, and until the sweep has done its part.
 * @property {{ bytes: number }} enqueue - a cell
 * @property {{ serverSeconds: number, bytes: number }} take - a cell: taken, begun, finished, its lines there
 * @property {{ serverSeconds: number, seconds: number, ownSeconds: number, atOnce: number }} arrive - a cell whose lines are fetched
 *   and kept: from one cell to the next, so many at once; `ownSeconds` are those of the sweep's processor
 * @property {{ serverSeconds: number }} hold - a word of a worker about the cell that it has
 * @property {{ serverSeconds: number, seconds: number }} look - the sweep's at a cell that a worker has
 *
 * @typedef {object} Plan
 * @property {number} workers - each with one cell at a time
 * @property {number} cells
 * @property {readonly number[]} durations - seconds of cells, drawn with the same chance
 * @property {Costs} costs
 * @property {number} seed
 * @property {number} [startSeconds] - of a cell's process
 * @property {number} [deathsAnHour] - of each worker
 * @property {number} [lostAfterSeconds] - until others take a dead worker's cell
 * @property {number} [absentSeconds] - until a dead worker is back
 * @property {number | undefined} [savedEvery] - seconds of work that a death loses at most, half of them on average; absent: all
 * @property {number} [wordEvery] - seconds from one word of a worker about its cell to the next. Default 5, as it is
 * @property {number} [fetchAtOnce] - finished cells whose lines the sweep fetches at the same time. Default 8, as it is
 * @property {number} [lookEvery] - seconds from one look of the sweep for finished cells to the next. Default 0.5, as it is
 * @property {number} [showEvery] - such looks from one at the cells that workers have to the next. Default 4, as it is
 *
 * @typedef {object} Outcome
 * @property {number} seconds - until the last cell's lines are there
 * @property {number} efficiency - work that counts, of what all workers could have done
 * @property {number} [overload] - workers with cells whose words take all of Redis's time: there the simulation ends
 * @property {number} redisBusy - its thread, of the time
 * @property {number} sweepBusy - the process that shows the sweep
 * @property {number} waitingCells - finished, their lines not yet fetched: the most at once
 * @property {number} redisBytes - the most at once
 * @property {number} longestWait - seconds of a worker for the answer to one request
 * @property {number} deaths
 * @property {number} lostSeconds - of work, by deaths
 * @property {number} done
 */

/** The least is first: events of workers by their times. */
class Events {
  /** @param {number} size */
  constructor(size) {
    this.times = new Float64Array(size)
    /** @type {number[]} */
    this.heap = []
  }

  /**
   * @param {number} who - has no event yet
   * @param {number} time
   */
  add(who, time) {
    this.times[who] = time
    let i = this.heap.push(who) - 1
    for (let up = (i - 1) >> 1; i > 0 && this.#isBefore(i, up); i = up, up = (i - 1) >> 1) this.#swap(i, up)
  }

  /** @returns {number} who is next */
  next() {
    const [first] = /** @type {[number]} */ (this.heap)
    const last = /** @type {number} */ (this.heap.pop())
    if (!this.heap.length) return first
    this.heap[0] = last
    for (let i = 0; ; ) {
      let least = i
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < this.heap.length && this.#isBefore(child, least)) least = child
      if (least === i) return first
      this.#swap(i, least)
      i = least
    }
  }

  /** @param {number} i @param {number} j */
  #isBefore(i, j) {
    const [a, b] = [/** @type {number} */ (this.heap[i]), /** @type {number} */ (this.heap[j])]
    return /** @type {number} */ (this.times[a]) < /** @type {number} */ (this.times[b])
  }

  /** @param {number} i @param {number} j */
  #swap(i, j) {
    const [a, b] = [/** @type {number} */ (this.heap[i]), /** @type {number} */ (this.heap[j])]
    this.heap[i] = b
    this.heap[j] = a
  }
}

/**
 * @param {Plan} plan
 * @returns {Outcome}
 */
export function simulateQueue(plan) {
  const { workers, cells, durations, costs, seed } = plan
  const { startSeconds = 0, deathsAnHour = 0, lostAfterSeconds = 30, absentSeconds = 60, savedEvery } = plan
  const { wordEvery = 5, lookEvery = 0.5, showEvery = 4, fetchAtOnce = 8 } = plan
  const fetchSeconds = fetchSecondsOf(costs.arrive, fetchAtOnce)
  const random = seededRandom(seed)
  const events = new Events(workers + 1)
  const SWEEP = workers

  let [waiting, active, finished, done] = [cells, 0, 0, 0]
  let [usefulSeconds, lostSeconds, deaths] = [0, 0, 0]
  // Redis does one request after another; what all workers say takes its share of the time before them.
  let [redisFree, redisSeconds, saidSince, longestWait] = [0, 0, 0, 0]
  let [sweepSeconds, lookSeconds, waitingCells, redisBytes] = [0, 0, 0, 0]
  let [looks, shownAt, showSeconds] = [0, 0, showEvery * lookEvery]

  /** A share of Redis's time: words of workers, and the looks of the sweep. */
  const background = () => active * (costs.hold.serverSeconds / wordEvery + costs.look.serverSeconds / showSeconds)
  /** @param {number} time */
  const advance = (time) => {
    redisSeconds += background() * (time - saidSince)
    saidSince = time
  }
  /**
   * @param {number} time - of asking
   * @param {number} service - seconds of Redis
   * @returns {number} when it is answered
   */
  const ask = (time, service) => {
    redisFree = Math.max(redisFree, time) + service / (1 - background())
    redisSeconds += service
    longestWait = Math.max(longestWait, redisFree - time)
    return redisFree
  }
  const note = () => {
    waitingCells = Math.max(waitingCells, finished)
    redisBytes = Math.max(
      redisBytes,
      (waiting + active) * costs.enqueue.bytes + finished * (costs.enqueue.bytes + costs.take.bytes),
    )
  }

  /** What a worker does: seconds until it has finished its cell, or dies; none: it comes for a cell. */
  const work = new Float64Array(workers)
  /** Seconds that its cell takes. */
  const whole = new Float64Array(workers)
  /** Whether it has told that its cell is finished, and waits to be heard. */
  const ends = new Uint8Array(workers)
  /** Cells of dead workers, by when others may take them. @type {{ readonly from: number, readonly left: number }[]} */
  const abandoned = []
  /** Seconds that are left of cells that others may take now. @type {number[]} */
  const begun = []
  /** @type {number[]} */
  const idle = []

  /** @param {number} who @param {number} time */
  const take = (who, time) => {
    waiting -= 1
    active += 1
    const starts = ask(time, costs.take.serverSeconds / 2) + startSeconds
    const seconds = begun.pop() ?? /** @type {number} */ (durations[Math.floor(random() * durations.length)])
    const death = deathsAnHour ? (-Math.log(1 - random()) * 3600) / deathsAnHour : Number.POSITIVE_INFINITY
    whole[who] = seconds
    work[who] = Math.min(death, seconds)
    events.add(who, starts + Math.min(death, seconds))
  }

  for (let who = 0; who < workers; who++) events.add(who, 0)
  events.add(SWEEP, lookEvery)
  let [time, finishedAt] = [0, 0]
  while (done < cells) {
    const who = events.next()
    time = /** @type {number} */ (events.times[who])
    advance(time)
    if (background() >= 1) break
    for (let [first] = abandoned; first && first.from <= time; [first] = abandoned) {
      begun.push(first.left)
      abandoned.shift()
      active -= 1
      waiting += 1
    }
    if (who === SWEEP) {
      // All that was finished when it looked is fetched.
      const fetched = finished
      lookSeconds = fetched * fetchSeconds
      if (looks % showEvery === 0) {
        lookSeconds += active * costs.look.seconds
        if (looks) showSeconds = time - shownAt
        shownAt = time
      }
      looks += 1
      if (fetched) lookSeconds = Math.max(lookSeconds, ask(time, fetched * costs.arrive.serverSeconds) - time)
      finished -= fetched
      done += fetched
      sweepSeconds += lookSeconds
      events.add(SWEEP, time + lookSeconds + lookEvery)
      if (done === cells) time += lookSeconds
      while (idle.length && waiting > 0) take(/** @type {number} */ (idle.pop()), time)
      continue
    }
    const seconds = /** @type {number} */ (work[who])
    if (seconds < /** @type {number} */ (whole[who])) {
      const saved = savedEvery === undefined ? 0 : Math.max(0, seconds - savedEvery / 2)
      deaths += 1
      lostSeconds += seconds - saved
      usefulSeconds += saved
      abandoned.push({ from: time + lostAfterSeconds, left: /** @type {number} */ (whole[who]) - saved })
      work[who] = 0
      whole[who] = 0
      events.add(who, time + absentSeconds)
      continue
    }
    if (seconds && !ends[who]) {
      ends[who] = 1
      events.add(who, ask(time, costs.take.serverSeconds / 2))
      continue
    }
    if (seconds) {
      ends[who] = 0
      work[who] = 0
      whole[who] = 0
      usefulSeconds += seconds
      active -= 1
      finished += 1
      finishedAt = time
    }
    note()
    if (waiting > 0) take(who, time)
    else idle.push(who)
  }
  return {
    ...(background() >= 1 && { overload: active }),
    ...{ seconds: time, efficiency: usefulSeconds / (workers * finishedAt) },
    ...{ redisBusy: redisSeconds / time, sweepBusy: sweepSeconds / time },
    ...{ waitingCells, redisBytes, longestWait, deaths, lostSeconds, done },
  }
}

/**
 * From one fetched cell to the next. More at once wait for the disk together; what is computed is computed one after another.
 *
 * @param {Costs['arrive']} measured
 * @param {number} fetchAtOnce
 */
function fetchSecondsOf({ seconds, ownSeconds, atOnce }, fetchAtOnce) {
  return fetchAtOnce === atOnce ? seconds : Math.max(ownSeconds, (seconds * atOnce) / fetchAtOnce)
}

/** @param {string} path - in docs/results */
const read = (path) => readFileSync(join(root, 'docs/results', path), 'utf8')

/** @returns {Costs} what docs/results/queue-costs.json has */
export const measuredCosts = () => JSON.parse(read('queue-costs.json')).costs

/** Seconds of cells: each of the kept training times of the quick preset with each kept cell's evaluations. */
export function measuredDurations() {
  const files = ['quick', 'slopes', 'extrapolation', 'paper-small', 'families']
  /** @type {Map<string, number>} */
  const training = new Map()
  /** @type {Map<string, number>} */
  const evaluation = new Map()
  for (const name of files) {
    const { train, evals } = parseResults(read(`${name}.jsonl`), name)
    for (const { elapsedSeconds, ...line } of train) if (elapsedSeconds) training.set(cellId(line), elapsedSeconds)
    for (const { tokens, tokensPerSecond, ...line } of evals) {
      const cell = `${name} ${cellId(line)}`
      if (tokensPerSecond) evaluation.set(cell, (evaluation.get(cell) ?? 0) + tokens / tokensPerSecond)
    }
  }
  return [...training.values()].flatMap((trained) => [...evaluation.values()].map((tried) => trained + tried))
}

/** Cells that each worker has, one after another. */
const CELLS_A_WORKER = 100

/** The same for all rows; assumed, not measured. */
export const ASSUMED = { startSeconds: 3, deathsAnHour: 0.01, savedEvery: 10, seed: 1 }

/** The rows of docs/scale.md. @type {readonly (Partial<Plan> & { readonly workers: number, readonly name?: string })[]} */
export const ROWS = [
  { workers: 100 },
  { workers: 1000 },
  { workers: 1000, savedEvery: undefined, name: 'without a store' },
  { workers: 3000 },
  { workers: 10_000 },
  { workers: 30_000 },
]

const count = (/** @type {number} */ value) => Math.round(value).toLocaleString('en-US')
const percent = (/** @type {number} */ value) => `${Math.round(100 * value)} %`

/**
 * @param {(typeof ROWS)[number]} row
 * @returns {string[]} its cells in the document's table
 */
export function rowOf({ name = '', ...more }) {
  const cells = CELLS_A_WORKER * more.workers
  const plan = { ...ASSUMED, costs: measuredCosts(), durations: measuredDurations(), cells, ...more }
  const { overload, ...outcome } = simulateQueue(plan)
  const { seconds, efficiency, redisBusy, sweepBusy, waitingCells, redisBytes, deaths, lostSeconds } = outcome
  const first = [`${count(more.workers)}${name && `, ${name}`}`, count(cells)]
  if (overload) return [...first, `no end: words take all of Redis from ${count(overload)} on`, ...Array(7).fill('')]
  return [
    ...[...first, (seconds / 3600).toFixed(2), percent(efficiency), percent(redisBusy), percent(sweepBusy)],
    ...[count(waitingCells), (redisBytes / 1e9).toPrecision(2), count(deaths), (lostSeconds / 3600).toFixed(2)],
  ]
}

const HEAD = [
  ...['workers', 'cells', 'hours', 'of use', 'Redis busy', 'sweep busy', 'finished, not yet fetched', 'GB of Redis'],
  ...['deaths', 'hours of work lost'],
]

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`| ${HEAD.join(' | ')} |\n| ${HEAD.map((_, i) => (i ? '--:' : '---')).join(' | ')} |`)
  for (const row of ROWS) console.log(`| ${rowOf(row).join(' | ')} |`)
}
