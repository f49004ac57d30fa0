// A few kills of those that `pnpm kills` makes by the hundred.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { killSuite, settingsOf } from '../../../tooling/kills.mjs'

/** In CI the same moments each time; `ALIBI_TEST_SEED=…` repeats a failure. */
const seed = Number(process.env.ALIBI_TEST_SEED ?? (process.env.CI ? 1 : Date.now() % 2 ** 31))
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-kills-'))
})
afterAll(() => rm(folder, { recursive: true }))

it(`run and sweep end as if they had never been killed (seed ${seed})`, async () => {
  const { killed, differences } = await killSuite({ kills: 5, seed, folder })
  expect(differences).toEqual([])
  expect(killed).toBe(5)
})

it('pnpm kills says in words what it takes', () => {
  expect(settingsOf(['--kills', '3', '--seed=7'])).toEqual({ kills: 3, seed: 7 })
  expect(settingsOf(['--help'])).toMatch(/^Usage: pnpm kills /)
  for (const args of [['--kill', '3'], ['--kills'], ['--kills', '0'], ['--seed', 'x'], ['3']])
    expect(settingsOf(args)).toMatch(/^kills: expected --kills and --seed with whole numbers, [^\n]+, got [^\n]+$/)
})
