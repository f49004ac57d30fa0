import { describe, expect, it } from 'vitest'
import { parseResults } from '../src/index.js'
import { context, evaluation, positions, retrieval, run, task, train } from './example.js'

const line = evaluation('alibi', 1, 100, 4)
const { config } = run
const read =
  (...lines: readonly unknown[]) =>
  () =>
    parseResults(lines.map((each) => `${typeof each === 'string' ? each : JSON.stringify(each)}\n`).join(''), 'FILE')

/** A field of a line that is good otherwise, values that it cannot have, and what is expected. */
const FIELDS: readonly (readonly [line: object, field: string, values: readonly unknown[], expected: string])[] = [
  [run, 'schemaVersion', [0, -1, 1.5, '1', null], 'schemaVersion: expected'],
  [run, 'config', [null, 3, [], 'x', {}], 'config'],
  [run, 'versions', [3, [], { node: 20 }], 'versions'],
  [run, 'commit', [3, {}], 'commit: expected a text'],
  [run, 'sweep', [3, { plan: 'p' }, { plan: 'p', trainLengths: [], sizes: [] }], 'sweep'],
  [train, 'strategy', [undefined, '', 3, null], 'strategy: expected'],
  [train, 'seed', [-1, 1.5, '1', 2 ** 53, 'NaN'], 'seed: expected'],
  [train, 'trainLength', [0, -5, 1e300, 'Infinity'], 'trainLength: expected'],
  [train, 'step', [0, -1, 2.5, 1e99, '5', 'NaN'], 'step: expected'],
  [train, 'lossNats', [undefined, '2', 'nan', true, {}, [1]], 'lossNats: expected a number, "NaN"'],
  [train, 'tokensPerSecond', [-1, '-Infinity', 'fast'], 'tokensPerSecond: expected a number'],
  [train, 'elapsedSeconds', [-1, 'long'], 'elapsedSeconds: expected a number'],
  [line, 'evalLength', [0, -1, 1.5, '64', null], 'evalLength: expected'],
  [line, 'protocol', ['', 3, null], 'protocol: expected'],
  [line, 'stride', [0, 0.5, 'NaN'], 'stride: expected'],
  [line, 'attentionWindow', [0, -3, 'all'], 'attentionWindow: expected'],
  [line, 'tokens', [0, -1, 'many'], 'tokens: expected'],
  [line, 'perplexity', [undefined, -1, 'high'], 'perplexity: expected a number'],
  [line, 'size', [3, ''], 'size: expected'],
  [positions, 'bins', [undefined, 3, [3], [{ from: -1, to: 1, tokens: 1, lossNats: 1 }], [{ from: 0 }]], 'bins'],
  [retrieval, 'task', ['', 3], 'task: expected'],
  [retrieval, 'correct', [-1, 0.5], 'correct: expected'],
  [retrieval, 'trials', [0, '20'], 'trials: expected'],
  [task, 'score', [-0.1, 1.5, '1'], 'score: expected'],
  [task, 'scoring', [''], 'scoring: expected'],
  [task, 'trials', [0], 'trials: expected'],
  [task, 'trainedOn', [''], 'trainedOn: expected'],
  [context, 'windows', [0], 'windows: expected'],
  [context, 'kept', [[], [{ tokens: 1 }]], 'kept'],
]

const CASES = FIELDS.flatMap(([of, field, values, expected]) =>
  values.map((value) => ({ of, field, value, expected: expected as string })),
)

describe('a malformed line', () => {
  it.each(
    CASES.map(
      (each) =>
        [`${(each.of as { type: string }).type} with ${each.field} ${JSON.stringify(each.value)}`, each] as const,
    ),
  )('%s is refused in one line of ours', (_, { of, field, value, expected }) => {
    const bad = { ...of, [field]: value }
    const reading = of === run ? read(bad) : read(run, bad)
    expect(reading).toThrow(`results: FILE, line ${of === run ? 1 : 2}: ${expected}`)
    expect(reading).toThrow(/^[^\n]* expected [^\n]*, got [^\n]*$/)
    // What zod would say.
    expect(reading).not.toThrow(/Invalid|Unrecognized|received/)
  })

  it.each([
    ['no line', [], 'expected a first line of type run in FILE, got no whole line'],
    ['half a first line', ['{"type":"run"'], 'got a damaged line'],
    [
      'a first line of another type',
      [train],
      'expected a first line of type run in FILE, and no other, got train in line 1',
    ],
    ['a second first line', [run, run], 'and no other, got run in line 2'],
    [
      'a newer version',
      [{ ...run, schemaVersion: 2 }],
      'schemaVersion: expected at most 1, got 2: it is of a newer version',
    ],
    ['no type', [run, {}], 'expected a type, got undefined'],
    ['a type that is no text', [run, { type: 3 }], 'expected a type, got 3'],
    ['null between lines', [run, null, train], 'line 2, got a damaged line'],
    ['a number between lines', [run, 3, train], 'line 2, got a damaged line'],
    ['a step twice', [run, train, train], 'line 3: expected a step of alibi-L100-4x128x4-seed1 after 5, got 5'],
    ['steps in another order', [run, { ...train, step: 9 }, train], 'after 9, got 5: lines of two runs'],
    [
      'an evaluation twice',
      [run, line, line],
      'line 3: expected one eval line of alibi-L100-4x128x4-seed1 at 100, got a second',
    ],
    [
      'positions twice',
      [run, positions, positions],
      'expected one positions line of alibi-L100-4x128x4-seed1 at 400, sliding by 50, 100 keys',
    ],
    ['trials twice', [run, retrieval, retrieval], 'at passkey in 400, 128 back, got a second'],
    ['context twice', [run, context, context], 'context line of alibi-L100-4x128x4-seed1 at 400, got a second'],
    ['a task twice', [run, task, task], 'at addition in 64 by likelihood, got a second'],
    [
      'no strategies',
      [{ ...run, config: { ...config, strategies: [] } }],
      'config.strategies: expected at least 1 of them, got []',
    ],
    ['no seeds', [{ ...run, config: { ...config, seeds: 3 } }], 'config.seeds: expected a list, got 3'],
  ] as const)('%s is refused', (_, lines, expected) => {
    expect(read(...lines)).toThrow(expected)
    expect(read(...lines)).toThrow(/^[^\n]*$/)
  })

  it('is one of 80 or more', () => expect(CASES.length + 16).toBeGreaterThanOrEqual(80))
})
