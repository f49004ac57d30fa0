// Each kernel of something that ran: how often, its bytes and operations, and how far from its bound it is.
import { table, thousands } from '../steps/tables.js'
import { type Cost, costOf, leastSeconds, type Rates } from './cost.js'
import type { Watched } from './watch.js'

/** All dispatches of a kernel together. */
export interface KernelCost extends Cost {
  readonly name: string
  readonly dispatches: number
  /** What they cannot take less than, at the device's measured rates. */
  readonly leastSeconds: number
  /** What they took; undefined on devices without timestamps. */
  readonly seconds: number | undefined
}

/** By kernel, those first that lose most. */
export function kernelCosts(watched: readonly Watched[], rates: Rates): KernelCost[] {
  const all = new Map<string, KernelCost>()
  for (const { dispatch, seconds } of watched) {
    const cost = costOf(dispatch)
    const before = all.get(dispatch.name)
    const sum = (a: number | undefined, b: number | undefined) => (b === undefined ? undefined : (a ?? 0) + b)
    all.set(dispatch.name, {
      name: dispatch.name,
      dispatches: (before?.dispatches ?? 0) + 1,
      bytes: (before?.bytes ?? 0) + cost.bytes,
      operations: (before?.operations ?? 0) + cost.operations,
      leastSeconds: (before?.leastSeconds ?? 0) + leastSeconds(cost, rates),
      seconds: sum(before?.seconds, seconds),
    })
  }
  const lost = ({ seconds, leastSeconds }: KernelCost) => (seconds ?? 2 * leastSeconds) - leastSeconds
  return [...all.values()].sort((a, b) => lost(b) - lost(a))
}

export function kernelTable(what: string, costs: readonly KernelCost[]): string[] {
  const milliseconds = (seconds: number) => (1000 * seconds).toFixed(3)
  return table([
    [what, 'dispatches', 'MB', 'MFLOP', 'least ms', 'took ms', 'took ÷ least'],
    ...costs.map(({ name, dispatches, bytes, operations, leastSeconds, seconds }) => [
      name,
      `${dispatches}`,
      (bytes / 1e6).toFixed(2),
      thousands(operations / 1e6),
      milliseconds(leastSeconds),
      ...(seconds === undefined ? ['', ''] : [milliseconds(seconds), (seconds / leastSeconds).toFixed(1)]),
    ]),
  ])
}
