// Names of compiled helpers tell their sources: a release with other sources compiles its own.
import { readdirSync } from 'node:fs'
import { expect, it, onTestFinished, vi } from 'vitest'
import { findAddon, nativeSource } from '../src/setup/addon.js'

/** A file in native/ that reads otherwise than it is. */
const changed = vi.hoisted(() => ({ name: '' }))
vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>()
  return {
    ...fs,
    readFileSync: (...args: Parameters<typeof fs.readFileSync>) => {
      const content = fs.readFileSync(...args)
      return changed.name && `${args[0]}`.endsWith(`/native/${changed.name}`) ? `${content}changed` : content
    },
  }
})

const namesNow = () => {
  const { stderrPath, loadPath, replicasPath, operationsPath } = findAddon()!
  return { stderr: stderrPath, load: loadPath, replicas: replicasPath, operations: operationsPath }
}

/** WebAssembly's has a module of its own, made from it when the project is built. */
const sources = readdirSync(nativeSource('')).filter((name) => !name.endsWith('.as.ts'))
const OWN: Readonly<Record<string, keyof ReturnType<typeof namesNow>>> = {
  'stderr.c': 'stderr',
  'load.c': 'load',
  'replicas.cc': 'replicas',
}

it.each(sources)('%s changes the name of its helper, and of no other', (name) => {
  onTestFinished(() => {
    changed.name = ''
  })
  const before = namesNow()
  changed.name = name
  const after = namesNow()
  const helpers = Object.keys(before) as (keyof typeof before)[]
  expect(helpers.filter((helper) => before[helper] !== after[helper])).toEqual([OWN[name] ?? 'operations'])
})
