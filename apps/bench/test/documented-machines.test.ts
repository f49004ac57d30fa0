// `pnpm machines`, where it may be done.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { documentedCommands, documentedMachines, noMachines } from '../../../tooling/documented-machines.mjs'

const reason = await noMachines()
if (reason) console.log(`commands for more than one machine are not run: ${reason}`)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-machines-'))
})
afterAll(() => rm(folder, { recursive: true }))

it('finds the commands', async () => {
  const verbs = (await documentedCommands()).map((line) => /^(?:pnpm bench )?\S+/.exec(line)![0])
  expect(new Set(verbs)).toEqual(
    new Set([
      'redis-server',
      ...['worker', 'sweep', 'queue', 'watch', 'run'].map((verb) => `pnpm bench ${verb}`),
      'srun',
    ]),
  )
})

it.skipIf(reason)('does on three machines what is written for them', { timeout: 600_000 }, async () => {
  const { commands, differences } = await documentedMachines({ folder })
  expect(differences).toEqual([])
  // All but those of Slurm.
  expect(commands).toBe((await documentedCommands()).filter((line) => !line.startsWith('srun ')).length)
})
