// The process of one job. It shares neither memory nor fate with the others.

import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { resultsPath } from '@alibi/results/node'
import { settingsOfModels } from '../config/from.js'
import type { RunConfig, RunOptions } from '../config/schema.js'
import { without } from '../config/without.js'
import { readCorpus } from '../data/corpus.js'
import { settledTokenizer } from '../data/tokenizer/settings.js'
import { runExperiment } from '../experiment/experiment.js'
import { asGiven } from '../plugins/references.js'
import { openResults } from '../run-folder/append.js'
import { beginRun, planRun } from '../run-folder/begin.js'
import { isLocked } from '../run-folder/lock.js'
import { Interrupted } from '../terminal/interrupt.js'
import type { Progress } from '../terminal/progress.js'
import { type SweepCell, sweepCells } from './cells.js'
import { estimateSweep } from './estimate.js'
import { begunCells } from './folder.js'
import { type Job, type Outcomes, type Report, STOP } from './messages.js'
import { timeKinds } from './probe.js'
import { isLeft } from './queue.js'
import { resolveRuns } from './resolve.js'
import { readStates } from './sweep.js'

const stopping = new AbortController()
const { signal } = stopping
const stop = () => stopping.abort(new Interrupted('SIGTERM'))
process.on('disconnect', stop)
process.on('SIGTERM', stop)
process.on('SIGHUP', stop)
// A terminal sends Ctrl-C to every process: what it means here is for the sweep to say.
process.on('SIGINT', () => {})
process.on('message', (message: Job | typeof STOP) => (message === STOP ? stop() : work(message)))

/** Resolves when it is sent; a sweep that is gone reads no more. */
const tell = (report: Report) =>
  new Promise<void>((resolve) => {
    if (process.connected) process.send!(report, undefined, undefined, () => resolve())
    else resolve()
  })

const TELL_EVERY_MS = 200

function reportingProgress(): Progress {
  let told = 0
  return {
    line: (text) => tell({ type: 'line', text }),
    start(cell, work, total) {
      told = 0
      tell({ type: 'start', cell, work, total })
    },
    update(done, details) {
      if (Date.now() - told < TELL_EVERY_MS) return
      told = Date.now()
      tell({ type: 'update', done, details })
    },
    stop: () => tell({ type: 'stop' }),
  }
}

async function work(job: Job): Promise<void> {
  const progress = reportingProgress()
  try {
    const outcome = await { resolve, estimate, run }[job.kind](job as never, progress)
    await tell({ type: 'done', outcome })
    process.exit(0)
  } catch (error) {
    if (error instanceof Interrupted) process.exit(error.exitCode)
    console.error(error)
    const [message] = String(error instanceof Error ? error.message : error).split('\n')
    await tell({ type: 'failed', message: message!, unready: !begun })
    process.exit(1)
  }
}

/** Whether a cell's first step was near: what fails before is for this machine to say. */
let begun = false

type JobOf<K extends Job['kind']> = Extract<Job, { kind: K }>

const resolve = ({ runs, jobs, backend }: JobOf<'resolve'>, { line }: Progress): Promise<Outcomes['resolve']> =>
  resolveRuns(runs, { jobs, backend, log: line, signal })

async function estimate(job: JobOf<'estimate'>, progress: Progress): Promise<Outcomes['estimate']> {
  const resolved = await resolve({ ...job, kind: 'resolve' }, progress)
  const { backend } = resolved
  const { folder, retry } = job
  const cells = sweepCells(resolved)
  const [states, begun] = [await readStates({ folder, cells }), await begunCells(folder)]
  const left = cells.filter((cell) => isLeft(states.get(cell)!, retry))
  const stateOf = (cell: SweepCell) => states.get(cell)!.end ?? (begun.has(cell.id) ? 'begun' : 'to be done')
  return {
    ...(await estimateSweep(states, left, (kinds) =>
      timeKinds(kinds, { backend: backend.name, line: progress.line, signal }),
    )),
    backend,
    cells: cells.map((cell) => [cell.id, stateOf(cell)]),
    left: left.length,
  }
}

async function run(job: JobOf<'run'>, progress: Progress): Promise<null> {
  const { run, from, text, textAt, tokenizerAt, folder, backend, retrain, tensorboard } = job
  // A worker of a sweep that was killed may still hold the lock: it stops at its next step.
  while (await isLocked(folder)) {
    signal.throwIfAborted()
    await setTimeout(200)
  }
  const resume = existsSync(resultsPath(folder))
  const tokenizerFile = tokenizerAt !== undefined && { path: tokenizerAt, sha256: run.tokenizerFile!.sha256 }
  const plan = await planRun({
    out: folder,
    resume,
    retrain: retrain && resume,
    backend,
    ...(from
      ? { from, given: trainingOf(run) }
      : { given: { ...asGiven(run), ...(resume && tokenizerFile && { tokenizerFile }) } }),
    log: progress.line,
  })
  expectSamePlugins(run, plan.config)
  const data = textAt ?? plan.config.data
  const tokenizer = plan.tokenizer ?? (tokenizerFile ? await settledTokenizer(tokenizerFile) : undefined)
  const corpus = await readCorpus({ ...plan.config, data }, { log: progress.line, signal }, tokenizer)
  if (text !== undefined && corpus.hash !== text)
    throw new Error(`data: expected the text with the hash ${text}, got another from ${corpus.description}`)
  await beginRun(plan, corpus)
  const append = await openResults(folder, plan.config, { log: progress.line, tensorboard })
  begun = true
  const { stopped } = await runExperiment({
    config: plan.config,
    registry: plan.registry,
    start: plan.start,
    corpus,
    folder,
    append,
    progress,
    signal,
  })
  if (stopped.length) throw new Error(stopped[0])
  return null
}

/** @throws Error, one line, where a strategy of one's own computes something else here */
function expectSamePlugins({ plugins = {} }: RunConfig, { plugins: own = {} }: RunConfig): void {
  for (const [name, { from, fingerprint }] of Object.entries(plugins))
    if (own[name]?.fingerprint !== fingerprint)
      throw new Error(
        `strategy ${name}: expected what the sweep has, with the fingerprint ${fingerprint}, got another in ${from}`,
      )
}

/** What a cell that goes on from another decides itself. */
const trainingOf = (run: RunConfig): RunOptions =>
  without(run, ...settingsOfModels, 'strategies', 'variants', 'plugins')
