import { describe, expect, it } from 'vitest'
import { type ConformanceOptions, conformanceCases } from '../src/conformance/index.js'
import { compose, none } from '../src/index.js'
import { brokenStrategies } from './broken-strategies.js'
import { numericGradients } from './numeric-gradients.js'
import { soundContent } from './sound-content.js'
import { soundRotations } from './sound-rotations.js'
import { bucketed, embedding, linear, make, rotation, soundStrategies, wave } from './sound-strategies.js'

const sound = [...soundStrategies, ...soundRotations, ...soundContent]

describe('the conformance suite bites', () => {
  it.each(brokenStrategies)('$mistake', async ({ strategy, options, caughtBy, says = [] }) => {
    const target = conformanceCases(strategy, options).find(({ name }) => name === caughtBy)
    expect(target, `no case named ${caughtBy} applies`).toBeDefined()
    const error = await (async () => target!.run())().catch((thrown: Error) => thrown)
    expect(error?.message).toMatch(/^conformance: expected .+, got .+$/)
    for (const part of says) expect(error?.message).toContain(part)
  })

  it('with every one of its cases', () => {
    const options: ConformanceOptions = {
      bias: () => 0,
      embedding: () => 0,
      angle: () => 0,
      pairing: 'half',
      magnitude: () => 1,
      gate: () => 0,
      terms: () => 0,
      scores: () => [],
      differentiable: numericGradients,
    }
    const everything = [...brokenStrategies, ...sound].map(({ strategy }) => strategy)
    const names = everything.flatMap((s) => conformanceCases(s, options).map(({ name }) => name))
    const caught = brokenStrategies.map(({ caughtBy }) => caughtBy)
    const ofLayer = (name: string) => name.replace(/^layer \d+: /, '')
    expect(new Set(names.map(ofLayer))).toEqual(new Set(caught.map(ofLayer)))
  })
})

describe('the conformance suite lets pass', () => {
  describe.each(sound)('$what', ({ strategy, options }) => {
    for (const { name, run } of conformanceCases(strategy, { differentiable: numericGradients, ...options }))
      it(name, run)
  })

  const [waves, buckets] = [make({ embedding: embedding(wave) }), bucketed((d) => Math.min(7, Math.max(0, d)))]
  describe.each([
    ['none', none()],
    ['nothing composed', compose()],
    ['an embedding and a bias', compose({ ...waves, name: 'waves' }, { ...buckets, name: 'buckets' })],
    ['two biases', compose(make({ bias: linear([0.5, 0.25]) }), { ...buckets, name: 'buckets' })],
    ['all three hooks', compose({ ...waves, name: 'waves' }, rotation({}), { ...buckets, name: 'buckets' })],
  ])('%s', (_what, strategy) => {
    for (const { name, run } of conformanceCases(strategy, { differentiable: numericGradients })) it(name, run)
  })
})

it('makes a strategy for each case from a function', async () => {
  const made = new Set<object>()
  const cases = conformanceCases(() => {
    const strategy = make({ bias: linear([0.5]) })
    made.add(strategy)
    return strategy
  })
  for (const { run } of cases) await run()
  expect(made.size).toBe(cases.length + 1)
})

it.each<[string, ConformanceOptions, string]>([
  ['an unknown option', { bais: () => 0 } as never, 'got bais; did you mean bias?'],
  [
    'a bias of the distance',
    { bias: ((head: number, d: number) => head * d) as never },
    'bias(head, query, key, parameters), got a function of 2',
  ],
  ['angles without their pairs', { angle: () => 0 }, 'pairing with angle, got none; say which features turn together'],
])('refuses %s', (_what, options, message) => {
  expect(() => conformanceCases(none(), options)).toThrow(message)
})
