import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { constants, gunzipSync } from 'node:zlib'
import writeFileAtomic from 'write-file-atomic'
import { modelSize } from '../config/schema.js'
import { parsed } from '../config/validate.js'
import {
  type EvalLine,
  type PositionsLine,
  type ResultLine,
  type RetrievalLine,
  type RunLine,
  resultLine,
  type TrainLine,
} from './schema.js'

export interface Results {
  readonly run: RunLine
  readonly train: readonly TrainLine[]
  readonly evals: readonly EvalLine[]
  readonly positions: readonly PositionsLine[]
  readonly retrieval: readonly RetrievalLine[]
}

/** Results of a run that has done nothing yet. */
export const emptyResults = (run: RunLine): Results => ({ run, train: [], evals: [], positions: [], retrieval: [] })

export const resultsPath = (folder: string) => join(folder, 'results.jsonl')

/**
 * Reads and validates `results.jsonl`, or `results.jsonl.gz` where there is only that. What follows the last whole line, be
 * it half a line or bytes that are no text, is what a killed process or machine leaves: it is left out.
 *
 * @throws Error, one line, for a file that is missing, damaged or of another version
 */
export async function readResults(folder: string): Promise<Results> {
  const path = resultsPath(folder)
  const lines = (await readText(folder)).split('\n').slice(0, -1)
  while (lines.length > 1 && !isJson(lines.at(-1)!)) lines.pop()
  const [first, ...rest] = lines
  const run = first === undefined ? undefined : parseLine(first, `${path}, line 1`)
  if (run?.type !== 'run')
    throw new Error(`results: expected a first line of type run in ${path}, got ${run?.type ?? 'no whole line'}`)
  const ofRun = { trainLength: run.config.trainLength, size: modelSize(run.config, run.config.architecture) }
  const others = rest.map((line, i) => parseLine(line, `${path}, line ${i + 2}`, ofRun))
  const ofType = <K extends ResultLine['type']>(type: K) =>
    others.filter((line): line is Extract<ResultLine, { type: K }> => line.type === type)
  return {
    run,
    train: ofType('train'),
    evals: ofType('eval'),
    positions: ofType('positions'),
    retrieval: ofType('retrieval'),
  }
}

async function readText(folder: string): Promise<string> {
  const path = resultsPath(folder)
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOTDIR') throw new Error(`results: expected a folder with results.jsonl, got the file ${folder}`)
    if (code !== 'ENOENT') throw new Error(`results: cannot read ${path}: ${message}`)
    const packed = await readFile(`${path}.gz`).catch(() => undefined)
    if (!packed) throw new Error(`results: expected a folder with results.jsonl, got ${folder}, which has none`)
    // As far as it goes, like the file itself.
    return gunzipSync(packed, { finishFlush: constants.Z_SYNC_FLUSH }).toString()
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** @param absent - what older files did not repeat on every line */
function parseLine(line: string, where: string, absent: object = {}): ResultLine {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new Error(`results: expected JSON in ${where}, got a damaged line; restore the file or delete that line`)
  }
  return parsed(resultLine, { ...absent, ...(value as object) }, `results: ${where}`)
}

/** Adds lines and waits until they are on the disk. */
export async function appendResult(folder: string, ...lines: readonly ResultLine[]): Promise<void> {
  const file = await open(resultsPath(folder), 'a')
  try {
    await file.write(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    await file.sync()
  } finally {
    await file.close()
  }
}

/** A whole file. */
export function resultsText({ run, train, evals, positions, retrieval }: Results): string {
  const lines = [run, ...train, ...evals, ...positions, ...retrieval].map((line) => JSON.stringify(line))
  return `${lines.join('\n')}\n`
}

/** Replaces the file: to begin one, or to take back lines of steps that will be done again. */
export async function writeResults(folder: string, results: Results): Promise<void> {
  await writeFileAtomic(resultsPath(folder), resultsText(results))
}
