// The suite of kernels bites: each mistake is caught by the case meant for it, with words that lead to it.
import * as tf from '@tensorflow/tfjs'
import { expect, it } from 'vitest'
import { attentionCases } from '../src/conformance/index.js'
import type { AttentionKernel } from '../src/kernels/attention/kernel.js'
import { dense, type Mistakes } from './dense-kernel.js'

await tf.setBackend('cpu')

/** The cases that fail, of all or of those with one name, with their messages. */
async function failing(kernel: AttentionKernel, only?: string): Promise<Record<string, string>> {
  const messages: Record<string, string> = {}
  for (const { name, run } of attentionCases(kernel).filter((each) => only === undefined || each.name === only))
    try {
      await run()
    } catch (error) {
      messages[name] = (error as Error).message
    }
  return messages
}

const computes = (what: string) => `computes attention and its gradients with ${what}`

it('accepts a kernel that is right', async () => {
  expect(await failing(dense())).toEqual({})
})

it.each<[string, Mistakes, string, string]>([
  ['no scale', { scale: () => 1 }, computes('no bias'), 'likely scores are not divided by √headDim'],
  ['a scale of headDim', { scale: (D) => D }, computes('slopes'), 'likely scores are divided by √headDim twice'],
  [
    'a scaled bias',
    { bias: (x, D) => tf.div(x, Math.sqrt(D)) },
    computes('slopes'),
    'the bias is divided by √headDim too',
  ],
  ['no bias', { bias: (x) => tf.mul(x, 0) }, computes('a table of distances'), 'likely the bias is left out'],
  ['a key ahead', { ahead: 1 }, computes('no bias'), 'expected the output of dense'],
  [
    'first queries',
    { firstQuery: () => 0 },
    computes('no bias, more keys than queries'),
    'likely queries are taken for the first tokens',
  ],
  ['no padding', { noPadding: true }, computes('slopes, padding'), 'likely padding is left out'],
  ['no window', { windowBy: 1e6 }, computes('no bias, a window'), 'likely the window is left out'],
  ['a wide window', { windowBy: 1 }, computes('slopes, a window'), 'likely the window is one key too wide'],
  ['a narrow window', { windowBy: -1 }, computes('slopes, a window'), 'expected the output of dense'],
  ['no first keys', { noSinks: true }, computes('no bias, a window and first keys'), 'likely first keys are left out'],
  ['no gate', { gate: (c) => tf.mul(c, 0) }, computes('no bias, a gate'), 'likely the gate is left out'],
  ['a gate that opens', { gate: tf.neg }, computes('a gate, one query'), 'expected the output of dense'],
  [
    'a gate without its own token',
    {
      gate: (c) =>
        tf.pad(tf.slice(c, [0, 0, 0], [-1, -1, c.shape[2]! - 1]), [
          [0, 0],
          [0, 0],
          [1, 0],
        ]),
    },
    computes('slopes, a gate'),
    'expected the output of dense',
  ],
  [
    'one gate for all rows',
    { gate: (c) => tf.add(tf.mul(c, 0), tf.slice(c, 0, 1)) },
    computes('a gate, a window and padding'),
    'expected the output of dense',
  ],
  [
    'half a gradient of a gate',
    { halved: 'gate' },
    computes('slopes, a gate'),
    "the gradient of the gate's running sums",
  ],
  ['no maximum taken off', { noMaximum: true }, computes('no bias, huge scores'), 'got NaN'],
  ['positions in float32', { roundPositions: true }, computes('slopes, positions far apart'), 'expected the output'],
  ['a forgotten last tile', { lastRows: 8 }, computes('no bias, an odd length in tiles'), 'query 40'],
  ['half a gradient of keys', { halved: 'k' }, computes('no bias'), 'the gradient of k'],
  ['half a gradient of queries', { halved: 'q' }, computes('no bias'), 'the gradient of q'],
  ['half a gradient of values', { halved: 'v' }, computes('no bias'), 'the gradient of v'],
  ['half a gradient of slopes', { halved: 'bias' }, computes('slopes'), 'the gradient of the bias'],
  ['half a gradient of a table', { halved: 'bias' }, computes('a table of distances'), 'the gradient of the bias'],
  ['half a gradient of tiles', { halved: 'bias' }, computes('tiles of a bias'), 'the gradient of the bias'],
  [
    'dropout of scores',
    { dropout: 'scores' },
    'multiplies weights by the factors of dropout, forward and backward',
    'halved after factors of 2',
  ],
  [
    'other factors backward',
    { dropout: 'other seed backward' },
    'drops the same weights forward and backward',
    'again, got',
  ],
  ['one seed for all', { dropout: 'one seed for all layers' }, 'keeps to its own seeds of dropout', 'got 0,0'],
  ['disposed inputs', { disposes: true }, computes('no bias'), 'expected dense to leave its inputs'],
  ['a tensor kept', { keeps: true }, computes('no bias'), 'to free all but its output'],
])('catches %s', async (_, mistakes, caughtBy, words) => {
  expect((await failing(dense(mistakes), caughtBy))[caughtBy]).toContain(words)
})

const declares = 'has a name, features that it takes, and functions'
it.each<[string, Partial<Record<keyof AttentionKernel, unknown>>, string, string]>([
  ['no name', { name: '' }, declares, 'a kernel with a name'],
  ['no features', { takes: undefined }, declares, 'takes of dense as a list'],
  ['nothing that runs', { run: undefined }, declares, 'run of dense as a function'],
  [
    'a refusal without a reason',
    { refuses: () => false },
    'refuses in words, whatever the problem, and without computing',
    'a reason in words',
  ],
  [
    'a refusal that throws',
    { refuses: () => tf.zeros([-1]) },
    'refuses in words, whatever the problem, and without computing',
    '',
  ],
  ['a kernel that takes nothing', { refuses: () => 'is not today' }, 'takes a problem', 'got is not today'],
])('catches %s', async (_, members, caughtBy, words) => {
  const messages = await failing({ ...dense(), ...members } as AttentionKernel)
  expect(Object.keys(messages)).toEqual([caughtBy])
  expect(messages[caughtBy]).toContain(words)
})
