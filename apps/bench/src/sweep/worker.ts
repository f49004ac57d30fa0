// The process of one job. It shares neither memory nor fate with the others.

import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { selectBackend } from '@alibi/backend'
import { codeCommit, versionsOf } from '@alibi/machine'
import { resultsPath } from '@alibi/results/node'
import { cellsOf } from '../config/cells.js'
import type { RunConfig } from '../config/schema.js'
import { taskReferenceOf } from '../config/task-reference.js'
import { type Corpus, checkLengths, readCorpus } from '../data/corpus.js'
import { sourceNamed } from '../data/sources.js'
import { runExperiment } from '../experiment/experiment.js'
import { availableMemory, checkMemory } from '../experiment/memory.js'
import { admitStrategies, loadStrategies } from '../plugins/admit.js'
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
import { isLeft, readStates } from './sweep.js'

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
    await tell({ type: 'failed', message: message! })
    process.exit(1)
  }
}

type JobOf<K extends Job['kind']> = Extract<Job, { kind: K }>

async function resolve(
  { runs, jobs, backend: wanted }: JobOf<'resolve'>,
  { line }: Progress,
): Promise<Outcomes['resolve']> {
  // Before the backend, so that a wrong name is reported at once.
  const loaded = await loadStrategies(runs[0]!.strategies)
  const backend = await selectBackend(wanted)
  const processes = Math.min(jobs, runs.flatMap(cellsOf).length)
  for (const config of runs) checkMemory('sweep', config, availableMemory(backend), processes)
  const corpora = new Map<string, Corpus>()
  const resolved: RunConfig[] = []
  const texts: string[] = []
  for (const config of runs) {
    const { data, tokenizer, vocabularySize, trainLength, evalLengths } = config
    // What is made up is made for a train length.
    const isMade = sourceNamed(data)?.task !== undefined || taskReferenceOf(data) !== undefined
    const key = JSON.stringify([data, tokenizer, vocabularySize, isMade && trainLength])
    const corpus = corpora.get(key) ?? (await readCorpus(config, { log: line, signal }))
    corpora.set(key, corpus)
    checkLengths(corpus, trainLength, evalLengths)
    texts.push(corpus.hash)
    resolved.push({ ...config, ...(await admitStrategies(loaded, config, line)).config })
  }
  const { name, device } = backend
  return { backend: { name, device }, versions: versionsOf(backend), commit: await codeCommit(), runs: resolved, texts }
}

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

async function run({ run, folder, backend, retrain, tensorboard }: JobOf<'run'>, progress: Progress): Promise<null> {
  // A worker of a sweep that was killed may still hold the lock: it stops at its next step.
  while (await isLocked(folder)) {
    signal.throwIfAborted()
    await setTimeout(200)
  }
  const resume = existsSync(resultsPath(folder))
  const plan = await planRun({
    out: folder,
    resume,
    retrain: retrain && resume,
    backend,
    given: asGiven(run),
    log: progress.line,
  })
  const corpus = await readCorpus(plan.config, { log: progress.line, signal })
  await beginRun(plan, corpus)
  const append = await openResults(folder, plan.config, { log: progress.line, tensorboard })
  const { stopped } = await runExperiment({
    config: plan.config,
    registry: plan.registry,
    corpus,
    folder,
    append,
    progress,
    signal,
  })
  if (stopped.length) throw new Error(stopped[0])
  return null
}
