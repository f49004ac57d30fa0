import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { curvesOf } from '../src/curves.js'

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8')
const lines = (...objects: object[]) => `${objects.map((object) => JSON.stringify(object)).join('\n')}\n`
const run = {
  type: 'run',
  schemaVersion: 1,
  config: { strategies: ['alibi'], seeds: [1, 2], trainLength: 4, steps: 9 },
}
const cell = (seed: number) => ({ strategy: 'alibi', seed, trainLength: 4, size: '1x4x1' })
const evaluation = (seed: number, evalLength: number, perplexity: number, protocol = 'nonoverlapping') => {
  const measured = { tokens: 8, lossNats: Math.log(perplexity), perplexity }
  return { type: 'eval', ...cell(seed), evalLength, protocol, stride: evalLength, ...measured }
}

it('takes the mean of losses over seeds, of chunks that do not overlap', () => {
  const train = { type: 'train', ...cell(1), step: 9, lossNats: 2, tokensPerSecond: 3 }
  const sliding = evaluation(1, 4, 1000, 'sliding')
  const text = lines(run, train, evaluation(1, 8, 5), evaluation(1, 4, 2), evaluation(2, 4, 8), sliding)
  const [curves, ...others] = curvesOf('try', text)
  expect(others).toEqual([])
  expect(curves).toMatchObject({ name: 'try', trainLength: 4, seeds: 2, steps: 9 })
  const { points } = curves!.curves[0]!
  expect(points.map((p) => p.evalLength)).toEqual([4, 8])
  expect(points.map((p) => p.perplexity)).toBeAllclose([4, 5])
})

it('refuses results without their run', () => {
  expect(() => curvesOf('try', lines(evaluation(1, 4, 2)))).toThrow(/expected a first line of type run in try/)
})
it('has the run of the README’s table', () => {
  const [{ curves } = { curves: [] }] = curvesOf('quick', read('docs/results/quick.jsonl'))
  expect(curves).toHaveLength(4)
  const readme = read('README.md')
  for (const { strategy, points } of curves) {
    const [, row = ''] = readme.match(new RegExp(`^\\| ${strategy} +\\|(.*)$`, 'm')) ?? []
    const cells = row.split('|').map(Number).slice(0, points.length)
    expect(cells).toEqual(points.map(({ perplexity }) => Number(perplexity.toPrecision(perplexity < 10 ? 4 : 3))))
  }
})
