// The file of results: part by part, so that a measurement may be interrupted and resumed.
import { readFileSync } from 'node:fs'
import type { Absent } from './steps/contestant.js'
import type { Outcome } from './steps/duel.js'

/** Which machine and program measured. */
interface Machine {
  readonly device: string
  readonly versions: Readonly<Record<string, string>>
}

/** What every part has besides its own figures. */
export interface Measured {
  readonly commit: string | null
  /** How long it took. */
  readonly minutes: number
  readonly rounds: number
  /** GFLOP/s of a product of large matrices, measured just before. */
  readonly ceiling: number
  readonly outcomes?: readonly Outcome[]
  readonly absent?: readonly Absent[]
}

export interface Results extends Machine {
  readonly type: 'speed'
  readonly schemaVersion: 3
  readonly parts: Readonly<Record<string, Measured>>
}

/** @throws Error, one line, for a file that is not there or not one of these */
export function readResults(path: string): Results {
  let results: Results
  try {
    results = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new Error(`speed: expected results in ${path}, got ${String(error).split('\n')[0]}`)
  }
  if (results?.type !== 'speed' || results.schemaVersion !== 3)
    throw new Error(`speed: expected results of type speed, version 3, in ${path}; measure them again`)
  return results
}

/**
 * The parts of a file that need not be measured again: those of the same code. A file that is not there has none.
 *
 * @throws Error, one line, for a file of another machine or other versions
 */
export function partsToKeep(path: string, { device, versions }: Machine, commit: string | null): Results['parts'] {
  try {
    readFileSync(path)
  } catch {
    return {}
  }
  const before = readResults(path)
  const [was, is] = [before, { device, versions }].map((of) => JSON.stringify([of.device, of.versions]))
  if (was !== is)
    throw new Error(`speed: expected ${path} of this machine, ${is}, got ${was}; write to another file with --out`)
  return Object.fromEntries(Object.entries(before.parts).filter(([, part]) => sameCode(part.commit, commit)))
}

/** Results that are written into the repository make its tree dirty. */
const sameCode = (a: string | null, b: string | null) =>
  a !== null && b !== null && a.replace('-dirty', '') === b.replace('-dirty', '')
