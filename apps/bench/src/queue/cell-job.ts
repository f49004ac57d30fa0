// What a cell is in the queue, and what comes back of it.
import { hostname } from 'node:os'
import { gunzipSync, gzipSync } from 'node:zlib'
import { type BackendName, backendNames } from '@alibi/backend'
import { validate } from '@alibi/results'
import type { JobsOptions } from 'bullmq'
import { z } from 'zod'
import { runConfigSchema } from '../config/schema.js'
import type { SweepCell } from '../sweep/cells.js'

/** This process among workers: its machine, and itself there. */
export const workerName = `${hostname()}-${process.pid}`

/** Workers take the cells of their own backend. */
export const queueName = (backend: BackendName) => `bench-cells-${backend}`

/** It becomes a folder's name. */
const id = z.string().regex(/^(?!\.)[^/\\\0]+$/, 'a name')
const key = z.object({
  strategy: z.string().min(1),
  trainLength: z.int().min(1),
  size: z.string(),
  seed: z.int().min(0),
  trainedOn: z.string().optional(),
})

const cellJobSchema = z.object({
  /** Of the sweep, so that the same cell of another is another job. */
  sweep: id,
  cell: id,
  key,
  config: runConfigSchema,
  backend: z.enum(backendNames),
  /** A hash of its text's tokens. */
  text: z.string(),
  /** Where the store has the text's files, if it has. */
  files: z.string().optional(),
  /** The cell that it goes on from, and the positions in place of that one's. */
  source: z.object({ cell: id, key, positions: z.string().optional() }).optional(),
  /** Why machines could not begin it. */
  refusals: z.array(z.string()),
  cancelled: z.boolean(),
  /** Whether it has failed, and its sweep has heard so. */
  isTold: z.boolean(),
})
export type CellJob = z.infer<typeof cellJobSchema>

/** @throws Error, one line, for a job that another version of the bench has enqueued */
export const readCellJob = (data: unknown): CellJob => validate(cellJobSchema, data, 'queue: a cell')

/** @param files - where the store has the text's files */
export const cellJob = (
  sweep: string,
  { id: cell, key, config, text, source }: SweepCell,
  { backend, files }: Pick<CellJob, 'backend' | 'files'>,
): CellJob => ({
  ...{ sweep, cell, key, config, backend, text },
  ...(files !== undefined && { files }),
  ...(source && {
    source: {
      cell: source.cell.id,
      key: source.cell.key,
      ...(source.positions !== undefined && { positions: source.positions }),
    },
  }),
  refusals: [],
  cancelled: false,
  isTold: false,
})

/** BullMQ divides its keys by colons. */
export const jobId = (sweep: string, { id }: Pick<SweepCell, 'id'>) => `${sweep}-${id.replaceAll(':', '_')}`

/** A process that ends without a word is tried anew; a cell that has failed by itself is not. */
export const jobOptions = (priority: number | undefined): JobsOptions => ({
  attempts: 3,
  backoff: { type: 'fixed', delay: 1000 },
  ...(priority !== undefined && { priority }),
})

const cellResultSchema = z.object({
  /** Its results.jsonl. */
  lines: z.base64(),
  /** That it took, if one process did it from start to end. */
  seconds: z.number().min(0).optional(),
})
export type CellResult = z.infer<typeof cellResultSchema>

export const cellResult = (lines: string, seconds: number | undefined): CellResult => ({
  lines: gzipSync(lines).toString('base64'),
  ...(seconds !== undefined && { seconds }),
})

/** @throws Error, one line, for what is no result */
export function readCellResult(value: unknown): { readonly lines: string; readonly seconds: number | undefined } {
  const { lines, seconds } = validate(cellResultSchema, value, 'queue: the result of a cell')
  return { lines: gunzipSync(Buffer.from(lines, 'base64')).toString('utf8'), seconds }
}

const cellProgressSchema = z.object({
  worker: z.string(),
  work: z.string(),
  total: z.number(),
  done: z.number(),
  details: z.array(z.string()),
})
/** How far a worker is with a cell. */
export type CellProgress = z.infer<typeof cellProgressSchema>

export const readCellProgress = (value: unknown): CellProgress | undefined => cellProgressSchema.safeParse(value).data
