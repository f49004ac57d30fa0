// How whoever has something to say about a cell reaches the worker that has it: by a key that the worker takes away. It looks for
// it each second, which costs the queue one command.
import type { Job } from 'bullmq'
import type { Redis } from 'ioredis'

/** A call that nobody hears in this time is of a cell that nobody has. */
const KEPT_SECONDS = 3600

const callKey = ({ id }: Job) => `bench-called:${id}`

/** Has a cell's worker look whether the cell is cancelled, and answer with its log. */
export const callWorker = (connection: Redis, job: Job) => connection.set(callKey(job), '1', 'EX', KEPT_SECONDS)

/** Whether somebody has called since this was last asked. */
export const wasCalled = async (connection: Redis, job: Job): Promise<boolean> =>
  (await connection.del(callKey(job))) > 0
