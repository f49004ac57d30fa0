// The state of a queue in words.
import { duration, thousands } from '../terminal/format.js'
import { type QueueState, secondsLeft } from './states.js'

/** e.g. `cpu, paused: 3 active, 12 waiting, 1 failed; 2 workers on 1 machine` */
export function describeState({ backend, isPaused, counts, workers }: QueueState): string {
  const cells = Object.entries(counts).flatMap(([name, count]) => (count ? [`${thousands(count)} ${name}`] : []))
  const machines = new Set(workers.map(machineOf)).size
  return [
    `${backend}${isPaused ? ', paused' : ''}: ${cells.join(', ') || 'no cells'}`,
    workers.length ? `${plural(workers.length, 'worker')} on ${plural(machines, 'machine')}` : 'no workers',
  ].join('; ')
}

/** e.g. `cpu: 120 cells an hour, about 6 min 00 s left` */
export function paceOf(state: QueueState): string {
  const { backend, cellsAnHour } = state
  if (cellsAnHour === undefined) return ''
  const [left, rate] = [secondsLeft(state), Number(cellsAnHour.toPrecision(2)).toLocaleString('en-US')]
  return `${backend}: ${rate} cells an hour${left === undefined ? '' : `, about ${duration(left)} left`}`
}

const plural = (count: number, word: string) => `${thousands(count)} ${word}${count === 1 ? '' : 's'}`

/** Its process comes last. */
const machineOf = (worker: string) => worker.replace(/-\d+$/, '')
