import { describe, expect, it } from 'vitest'
import { type ConformanceOptions, conformanceCases } from '../src/conformance/index.js'
import { compose, none, type PositionStrategy } from '../src/index.js'
import { brokenStrategies } from './broken-strategies.js'

describe('the conformance suite bites', () => {
  it.each(brokenStrategies)('$mistake', async ({ strategy, options, caughtBy }) => {
    const target = conformanceCases(strategy, options).find(({ name }) => name === caughtBy)
    expect(target, `no case named ${caughtBy} applies`).toBeDefined()
    await expect((async () => target!.run())()).rejects.toThrow(/expected .+, got /)
  })

  it('with every one of its cases', () => {
    const everything: PositionStrategy[] = brokenStrategies.map(({ strategy }) => strategy)
    const { differentiable } = brokenStrategies.find(({ options }) => options?.differentiable)!.options!
    const options: ConformanceOptions = { bias: () => 0, differentiable: differentiable! }
    const names = new Set(everything.flatMap((s) => conformanceCases(s, options).map(({ name }) => name)))
    expect(names).toEqual(new Set(brokenStrategies.map(({ caughtBy }) => caughtBy)))
  })
})

describe('strategies of core conform', () => {
  for (const strategy of [none(), compose()]) for (const { name, run } of conformanceCases(strategy)) it(name, run)
})
