import { strategyNames } from '@alibi/strategies'
import { expect, it } from 'vitest'
import { namesOf, TAKEN } from '../src/name.js'

it('refuses the name of every built-in strategy, with one that is free', () => {
  expect(strategyNames.filter((name) => !name.startsWith('alibi-')).sort()).toEqual([...TAKEN].sort())
  for (const name of strategyNames)
    expect(() => namesOf(name)).toThrow(
      `create-strategy: expected a name of its own, got ${name}, a built-in strategy; e.g. my-${name}`,
    )
  expect(namesOf('log-bias').camel).toBe('logBias')
})
