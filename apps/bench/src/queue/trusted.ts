// A queue, like a checkpoint from elsewhere, only claims where code lies: what runs is what a person named on this machine.
import { parseReference, scalingNames, strategyNames } from '@alibi/strategies'
import { taskReferenceOf } from '../config/task-reference.js'
import { expectTrustedTask } from '../data/tasks/open.js'
import { expectTrusted } from '../plugins/trust.js'
import type { CellJob } from './cell-job.js'

const isBuiltIn = (name: string) => strategyNames.includes(name)

/** @throws Error, one line, for a cell with code that nobody named on this machine */
export async function expectTrustedCode({ config, source }: Pick<CellJob, 'config' | 'source'>): Promise<void> {
  const { strategies, plugins = {}, variants = {}, data } = config
  for (const [name, { from }] of Object.entries(plugins)) await expectTrusted(name, from)
  for (const { use } of Object.values(variants)) expectBuiltIn(use)
  const task = taskReferenceOf(data)
  if (task !== undefined) await expectTrustedTask(task)
  if (!source) for (const name of strategies) if (!plugins[name] && !variants[name]) expectBuiltIn(name)
  const { positions } = source ?? {}
  if (positions === undefined) return
  const { use } = parseReference(positions)
  if (!isBuiltIn(use) && !(scalingNames as readonly string[]).includes(use)) await expectTrusted(positions, positions)
}

function expectBuiltIn(name: string): void {
  if (!isBuiltIn(name))
    throw new Error(`strategy ${name}: expected one that the bench has, or a file with its fingerprint`)
}
