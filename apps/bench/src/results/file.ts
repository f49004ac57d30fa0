import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { firstIssue } from '../config.js'
import { type EvalLine, type ResultLine, type RunLine, resultLine, type TrainLine } from './schema.js'

export interface Results {
  readonly run: RunLine
  readonly train: readonly TrainLine[]
  readonly evals: readonly EvalLine[]
}

export const resultsPath = (folder: string) => join(folder, 'results.jsonl')

/**
 * Reads and validates `results.jsonl`. A last line without its end is what a killed process leaves: it is left out.
 *
 * @throws Error, one line, for a file that is missing, damaged or of another version
 */
export async function readResults(folder: string): Promise<Results> {
  const path = resultsPath(folder)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      error.code === 'ENOENT'
        ? `results: expected a folder with results.jsonl, got ${folder}, which has none`
        : `results: cannot read ${path}: ${error.message}`,
    )
  })
  const lines = text
    .split('\n')
    .slice(0, -1)
    .map((line, i) => parseLine(line, `${path}, line ${i + 1}`))
  const [run, ...rest] = lines
  if (run?.type !== 'run')
    throw new Error(`results: expected a first line of type run in ${path}, got ${run?.type ?? 'an empty file'}`)
  return {
    run,
    train: rest.filter((line) => line.type === 'train'),
    evals: rest.filter((line) => line.type === 'eval'),
  }
}

function parseLine(line: string, where: string): ResultLine {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    throw new Error(`results: expected JSON in ${where}, got a damaged line; restore the file or delete that line`)
  }
  const parsed = resultLine.safeParse(value)
  if (!parsed.success) throw new Error(`results: unexpected ${where}: ${firstIssue(parsed.error)}`)
  return parsed.data
}

/** Adds a line and waits until it is on the disk. */
export async function appendResult(folder: string, line: ResultLine): Promise<void> {
  const file = await open(resultsPath(folder), 'a')
  try {
    await file.write(`${JSON.stringify(line)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Replaces the file: to begin one, or to take back lines of steps that will be done again. */
export async function writeResults(folder: string, { run, train, evals }: Results): Promise<void> {
  const lines = [run, ...train, ...evals].map((line) => JSON.stringify(line))
  await writeFileAtomic(resultsPath(folder), `${lines.join('\n')}\n`)
}
