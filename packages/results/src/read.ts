import type { z } from 'zod'
import { cellId, modelSize } from './cell.js'
import {
  type ContextLine,
  contextLine,
  type EvalLine,
  evalLine,
  type OtherLine,
  type PositionsLine,
  positionsLine,
  type ResultLine,
  type RetrievalLine,
  type RunLine,
  retrievalLine,
  runLine,
  SCHEMA_VERSION,
  type TaskLine,
  type TrainLine,
  taskLine,
  trainLine,
} from './lines.js'
import { describeReading } from './reading.js'
import { validate } from './validate.js'

/** The lines of a run or a sweep, by their types. */
export interface Results {
  /** The first line. */
  readonly run: RunLine
  /** The training lines of every cell, in the order of its steps. */
  readonly train: readonly TrainLine[]
  /** One of a cell and reading. */
  readonly evals: readonly EvalLine[]
  /** One of a cell and reading. */
  readonly positions: readonly PositionsLine[]
  /** One of a cell, task, length and distance. */
  readonly retrieval: readonly RetrievalLine[]
  /** One of a cell, task, length and scoring. */
  readonly tasks: readonly TaskLine[]
  /** One of a cell and length. */
  readonly contexts: readonly ContextLine[]
}

/** What a file has. */
export interface ResultsFile extends Results {
  /** Every line in the order of the file, those of types that are not known here among them. */
  readonly lines: readonly [RunLine, ...(ResultLine | OtherLine)[]]
  /** What was left out, and what was kept without being understood: a sentence each. */
  readonly notes: readonly string[]
}

/** Results of a run that has done nothing yet. */
export const emptyResults = (run: RunLine): Results => ({
  run,
  train: [],
  evals: [],
  positions: [],
  retrieval: [],
  tasks: [],
  contexts: [],
})

/** The lines of results, by their types in turn. */
export const linesOf = (results: Results): [RunLine, ...ResultLine[]] => [
  results.run,
  ...results.train,
  ...results.evals,
  ...results.positions,
  ...results.retrieval,
  ...results.tasks,
  ...results.contexts,
]

/** Takes the lines of a file one after another. */
export interface ResultsReader {
  /**
   * @param text - without the end of the line; undefined for bytes that are no text
   * @throws Error, one line, for one that results cannot have
   */
  add(text: string | undefined): void
  /**
   * @param rest - what follows the last end of a line
   * @throws Error, one line, where there is no first line of type `run`
   */
  end(rest?: string): ResultsFile
}

/**
 * Reads results as programs write them that may be newer than this one, or others: settings, fields, types of lines and
 * protocols that are not known here are kept, and named in the notes. What follows the last whole line is left out, with a
 * note: a process that was killed leaves half a line.
 *
 * @param where - the file, for messages
 */
export function createResultsReader(where: string): ResultsReader {
  const order = createOrder()
  const unknown = new Map<string, number>()
  const lines: (ResultLine | OtherLine)[] = []
  let number = 0
  /** Lines that are no JSON objects, since the last that is. */
  const damaged: number[] = []
  let first: RunLine | undefined

  const add = (text: string | undefined) => {
    number += 1
    if (text?.trim() === '') return
    const value = text === undefined ? undefined : jsonObject(number === 1 ? text.replace(/^\uFEFF/, '') : text)
    if (!value) return void damaged.push(number)
    if (damaged.length)
      throw new Error(
        `results: expected JSON objects in ${where}, line ${damaged[0]}, got a damaged line; restore the file or delete that line`,
      )
    const line = known(value, `results: ${where}, line ${number}`, first, unknown)
    if (isRun(line) === Boolean(first))
      throw new Error(
        `results: expected a first line of type run in ${where}, and no other, got ${line.type} in line ${number}`,
      )
    if (isRun(line)) first = line
    else order(line, `results: ${where}, line ${number}`)
    lines.push(line)
  }
  return {
    add,
    end(rest = '') {
      if (rest.trim() !== '') add(rest)
      if (!first)
        throw new Error(
          `results: expected a first line of type run in ${where}, got ${damaged.length ? 'a damaged line' : 'no whole line'}`,
        )
      const notes = [...describeDamaged(damaged), ...[...unknown].map(([what, times]) => describeUnknown(what, times))]
      return { ...byType(first, lines), lines: [...lines] as unknown as ResultsFile['lines'], notes }
    },
  }
}

/** Reads the text of a whole file. */
export function parseResults(text: string, where: string): ResultsFile {
  const reader = createResultsReader(where)
  const lines = text.split('\n')
  const rest = lines.pop()
  for (const line of lines) reader.add(line)
  return reader.end(rest)
}

function byType(run: RunLine, lines: readonly (ResultLine | OtherLine)[]): Results {
  const ofType = <L extends ResultLine>(type: L['type']) => lines.filter((line): line is L => line.type === type)
  return {
    run,
    train: ofType<TrainLine>('train'),
    evals: ofType<EvalLine>('eval'),
    positions: ofType<PositionsLine>('positions'),
    retrieval: ofType<RetrievalLine>('retrieval'),
    tasks: ofType<TaskLine>('task'),
    contexts: ofType<ContextLine>('context'),
  }
}

const isRun = (line: ResultLine | OtherLine): line is RunLine => line.type === 'run'

/** Undefined for what is no JSON object. */
function jsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    // Python's json.dumps writes NaN as it is; strings are left alone.
    const mended = text.replaceAll(/"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g, (found) =>
      found.startsWith('"') ? found : `"${found}"`,
    )
    return mended === text ? undefined : jsonObject(mended)
  }
}

const SCHEMAS = {
  run: runLine,
  train: trainLine,
  eval: evalLine,
  positions: positionsLine,
  retrieval: retrievalLine,
  task: taskLine,
  context: contextLine,
}
const READERS = new Map<unknown, { readonly schema: z.ZodType; readonly keys: ReadonlySet<string> }>(
  Object.entries(SCHEMAS).map(([type, schema]) => [type, { schema, keys: new Set(Object.keys(schema.shape)) }]),
)

/** @param unknown - counts what is not known here */
function known(
  value: Record<string, unknown>,
  where: string,
  run: RunLine | undefined,
  unknown: Map<string, number>,
): ResultLine | OtherLine {
  const { type, schemaVersion } = value
  if (typeof type !== 'string' || type === '') throw new Error(`${where}: expected a type, got ${JSON.stringify(type)}`)
  const reader = READERS.get(type)
  const count = (what: string) => unknown.set(what, (unknown.get(what) ?? 0) + 1)
  if (!reader) {
    count(`lines of type ${type}`)
    return value as unknown as OtherLine
  }
  if (type === 'run' && typeof schemaVersion === 'number' && schemaVersion > SCHEMA_VERSION)
    throw new Error(
      `${where}: schemaVersion: expected at most ${SCHEMA_VERSION}, got ${schemaVersion}: it is of a newer version of the bench; read it with that`,
    )
  for (const key in value) if (!reader.keys.has(key)) count(`${key} of ${type} lines`)
  if (run) for (const [key, each] of absent(run)) if (!(key in value)) value[key] = each
  return putInto(value, validate(reader.schema, value, where) as object) as unknown as ResultLine
}

/** Puts what was made of values in their place: fields keep their order, those that are not known stay. */
function putInto<T extends object>(line: T, made: object): T {
  const target = line as Record<string, unknown>
  for (const [key, value] of Object.entries(made)) {
    const before = target[key]
    if (before === value) continue
    target[key] =
      typeof before === 'object' && before !== null && typeof value === 'object' && value !== null
        ? putInto(before, value)
        : value
  }
  return line
}

/** What older files did not repeat on every line. */
function absent(run: RunLine): readonly (readonly [string, unknown])[] {
  if (!absentOf.has(run)) absentOf.set(run, Object.entries(ofEveryCell(run)))
  return absentOf.get(run)!
}

const absentOf = new WeakMap<RunLine, readonly (readonly [string, unknown])[]>()

function ofEveryCell({ config }: RunLine): object {
  const { trainLength, numLayers, modelDim, numHeads, architecture } = config
  if (!numLayers || !modelDim || !numHeads) return { trainLength }
  return { trainLength, size: modelSize({ numLayers, modelDim, numHeads }, architecture) }
}

/** Refuses a cell's second line of a kind, and steps that are not in order. */
function createOrder(): (line: ResultLine | OtherLine, where: string) => void {
  const steps = new Map<string, number>()
  const readings = new Set<string>()
  return (line, where) => {
    if (!('strategy' in line) || !READERS.has(line.type)) return
    const cell = cellId(line)
    if (line.type === 'train') {
      const last = steps.get(cell) ?? 0
      if (line.step <= last)
        throw new Error(
          `${where}: expected a step of ${cell} after ${last}, got ${line.step}: lines of two runs, or in another order; restore the file or delete that line`,
        )
      steps.set(cell, line.step)
      return
    }
    const kind = kindOf(line)
    const key = `${line.type} ${cell} ${kind}`
    if (readings.has(key))
      throw new Error(
        `${where}: expected one ${line.type} line of ${cell} at ${kind}, got a second; restore the file or delete one of them`,
      )
    readings.add(key)
  }
}

/** What distinguishes a line from others of its type and cell. */
function kindOf(line: EvalLine | PositionsLine | RetrievalLine | TaskLine | ContextLine): string {
  if (line.type === 'context') return `${line.evalLength}`
  if (line.type === 'retrieval') return `${line.task} in ${line.evalLength}, ${line.distance} back`
  if (line.type === 'task') return `${line.task} in ${line.evalLength} by ${line.scoring}`
  return describeReading(line)
}

function describeDamaged(numbers: readonly number[]): string[] {
  if (!numbers.length) return []
  const which = numbers.length === 1 ? `line ${numbers[0]} is` : `lines ${numbers[0]} to ${numbers.at(-1)} are`
  return [`${which} left out: no whole JSON object, as a process that was killed leaves it`]
}

const describeUnknown = (what: string, times: number) =>
  `${what} (${times}) are not known to this version: kept, and not shown`
