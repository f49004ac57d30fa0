import { setImmediate } from 'node:timers/promises'
import { type Backend, ReplicaLostError, type Replicas, selectBackend } from '@alibi/backend'
import { versionsOf } from '@alibi/machine'
import { validate } from '@alibi/results'
import type { Trainer } from '@alibi/transformer'
import { type Cell, cellsOf } from '../config/cells.js'
import { type RunOptions, runConfigSchema } from '../config/schema.js'
import { readCorpus } from '../data/corpus.js'
import { restoreTokenizer } from '../data/tokenizer/restore.js'
import type { Place } from '../replicas/cluster.js'
import type { Crew } from '../replicas/crew.js'
import { shareJson } from '../replicas/exchange.js'
import { endWithLeader } from '../replicas/launch.js'
import { type Announced, expectText, nextOrder } from '../replicas/lead.js'
import { join, REPLICAS_BACKEND } from '../replicas/place.js'
import { registryOf } from '../run-folder/begin.js'
import type { Progress } from '../terminal/progress.js'
import { evaluationsOf, plannedEvaluations } from './evaluations.js'
import { NotFiniteError, type Run, trainCell } from './train.js'
import { disposeTrainer } from './trainer.js'
import { tryModel } from './try-model.js'

/** The leader shows how far all are. */
const silent: Progress = { line() {}, start() {}, update() {}, stop() {} }

interface FollowOptions {
  /** As it was asked for here: where the text and strategies of one's own are on this machine. */
  readonly given: RunOptions
  /** Where the strategy of a model is that training goes on from. */
  readonly strategy?: string | undefined
}

/**
 * The whole work of a replica that does not lead: it trains and evaluates what the leader does, on its part of each batch, and
 * writes nothing.
 *
 * @throws Error, one line, for a machine that has other versions, another text or another strategy, and when another replica is
 * gone
 */
export async function follow(place: Place, signal: AbortSignal, options: FollowOptions): Promise<void> {
  endWithLeader()
  const backend = await selectBackend(REPLICAS_BACKEND)
  await obeyLeader(await join(place, { signal, log: console.error }), backend, options)
}

/** As {@link follow}, among replicas that it has joined. */
export async function obeyLeader(
  { replicas, signal }: Crew,
  backend: Backend,
  { given, strategy }: FollowOptions,
): Promise<void> {
  const announced = shareJson<Announced>(replicas)
  const where = `replicas: what replica 0 has announced`
  const config = validate(runConfigSchema, announced.config, where)
  const own = versionsOf(backend)
  const other = Object.keys(own).find((name) => own[name] !== announced.versions[name])
  if (other !== undefined)
    throw new Error(
      `replicas: expected ${other} ${announced.versions[other]} on replica ${replicas.index}, as replica 0 has it, got ${own[other]}`,
    )
  const registry = await registryOf(config, { given, strategy, log: silent.line })
  const tokenizer = announced.tokenizer === undefined ? undefined : restoreTokenizer(announced.tokenizer)
  const corpus = await readCorpus(
    { ...config, data: given.data ?? config.data },
    { ...silent, log: silent.line, signal },
    tokenizer,
  )
  expectText(replicas, corpus)
  const { folder } = announced
  await obey({ config, registry, corpus, folder, append: async () => {}, progress: silent, signal, replicas })
  replicas.leave()
}

/** Does its part of what the leader orders, until there is nothing more. The leader has the same errors, and reports them. */
async function obey(run: Run & { readonly replicas: Replicas }): Promise<void> {
  const { config, registry, replicas } = run
  const cells = cellsOf(config)
  let trained: { readonly cell: Cell; readonly trainer: Trainer } | undefined
  for (let order = nextOrder(replicas); order; order = nextOrder(replicas))
    if ('cell' in order) {
      if (trained) disposeTrainer(trained.trainer)
      const cell = cells[order.cell]!
      const trainer = await trainCell(cell, run).catch((error: unknown) => {
        if (!(error instanceof NotFiniteError)) throw error
      })
      trained = trainer ? { cell, trainer } : undefined
    } else {
      // A turn for signals: short evaluations have none of their own, and the wait for an order is none.
      await setImmediate()
      const { cell, trainer } = trained!
      const planned = evaluationsOf(plannedEvaluations(cell.strategy, config, registry))
      await tryModel(trainer.model, cell, planned[order.evaluation]!, run).catch((error: unknown) => {
        if (error instanceof ReplicaLostError) throw error
      })
    }
}
