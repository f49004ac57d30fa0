import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { duration, percent } from '../src/terminal/format.js'
import { plainText } from '../src/terminal/plain.js'
import { layoutRows } from '../src/terminal/rows.js'
import { inTerminal } from './pseudo-terminal.js'

it('what a model writes cannot command a terminal', () => {
  const text = 'ü\tone\n\u001b[31mred\u0007\r\u007f\u009b2J🙂'
  expect(plainText(text, { isTTY: true })).toBe('ü\tone\n␛[31mred␇␍␡\uFFFD2J🙂')
  expect(plainText(text, { isTTY: false })).toBe(text)
})

describe('a duration', () => {
  /** Seconds that it stands for. */
  const read = (text: string) => {
    const units: Record<string, number> = { s: 1, min: 60, h: 3600, days: 86_400 }
    return [...text.matchAll(/([\d,]+) (s|min|h|days)/g)].reduce(
      (sum, [, value, unit]) => sum + Number(value!.replaceAll(',', '')) * units[unit!]!,
      0,
    )
  }

  it.each([
    [0, '1 s'],
    [59.4, '59 s'],
    [59.7, '1 min 00 s'],
    [119.7, '2 min 00 s'],
    [3599.7, '1 h 00 min'],
    [7199, '2 h 00 min'],
    [72 * 3600 - 31, '71 h 59 min'],
    [72 * 3600 - 29, '3 days'],
  ])('of %d seconds is %s', (seconds, text) => expect(duration(seconds)).toBe(text))

  it('has no part of 60 and is right to its last unit', () => {
    const near = fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.double({ min: -1, max: 1, noNaN: true }))
    const seconds = fc.oneof(
      fc.double({ min: 0, max: 1e7, noNaN: true }),
      ...[60, 3600].map((unit) => near.map(([n, by]) => Math.max(0, n * unit + by))),
    )
    fc.assert(
      fc.property(seconds, (value) => {
        const text = duration(value)
        expect(text).not.toMatch(/\b60 (s|min)/)
        const unit = text.endsWith(' s') ? 1 : text.endsWith(' min') ? 60 : 86_400
        expect(Math.abs(read(text) - Math.max(1, value))).toBeLessThanOrEqual(unit / 2 + (unit > 60 ? 30 : 0))
      }),
    )
  })
})

it('is 100 percent only when all is done', () => {
  expect([percent(0, 7), percent(29, 100), percent(999, 1000), percent(7, 7), percent(0, 0)]).toEqual([
    '0%',
    '29%',
    '99%',
    '100%',
    '100%',
  ])
})

describe('rows', () => {
  const row = {
    label: 'kerple-power L1024 seed1 at 4096, stride 2048, 1024 keys',
    done: 41,
    total: 100,
    details: ['perplexity 12.3', '138,516 tok/s'],
    left: '59 min 59 s left',
  }

  it('keep whole what fits, on a narrow and on a wide terminal', () => {
    const shown = (columns: number) => layoutRows([row], columns)[0]
    expect(shown(200)).toBe(
      `kerple-power L1024 seed1 at 4096, stride 2048, 1024 keys ${'■'.repeat(9).padEnd(24)}  41% perplexity 12.3 138,516 tok/s 59 min 59 s left`,
    )
    expect(shown(80)).toBe('kerple-power L1024 seed1 at 4096, stride 2048, 1024 keys  41% perplexity 12.3')
    expect(shown(60)).toBe('kerple-power L1024 seed1 at 4096  41% perplexity 12.3')
    expect(shown(20)).toBe('kerple-power …  41%')
  })

  it('have no line that is wider than the terminal, and each says how far it is', () => {
    const word = fc.string({ maxLength: 40 })
    const rows = fc.array(
      fc.record({
        label: word,
        done: fc.nat(1000),
        total: fc.constant(1000),
        details: fc.array(word, { maxLength: 3 }),
        left: word,
      }),
      { minLength: 1, maxLength: 4 },
    )
    fc.assert(
      fc.property(rows, fc.integer({ min: 10, max: 200 }), (all, columns) => {
        const lines = layoutRows(all, columns)
        expect(lines).toHaveLength(all.length)
        for (const [i, line] of lines.entries()) {
          expect(line.length).toBeLessThan(columns)
          expect(line).toContain(percent(all[i]!.done, 1000))
        }
      }),
    )
  })
})

// TensorFlow compiles steps and says so; the other backend starts at once.
describe.each([
  // Its steps are so fast that 300 of them are over within three redraws.
  [80, 'auto', 900],
  [200, 'cpu', 300],
])('in a terminal of %d columns', (columns, backend, steps) => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'alibi-terminal-'))
    await writeFile(join(folder, 'text.txt'), Array.from({ length: 900 }, (_, i) => `${i} is ${i % 7}.\n`).join(''))
  })
  afterAll(() => rm(folder, { recursive: true }))

  const size = ['--num-layers', '1', '--model-dim', '16', '--num-heads', '2', '--batch-size', '2']
  const tiny = ['--data', 'text.txt', '--train-length', '16', '--steps', `${steps}`, '--backend', backend, ...size]
  const percents = (lines: ReadonlySet<string>, what: RegExp) =>
    new Set([...lines].filter((line) => what.test(line)).map((line) => Number(/(\d+)%/.exec(line)?.[1])))

  it('run moves its bar, keeps loss and rate, shows perplexity, leaves nothing stale', async () => {
    const lengths = ['--eval-lengths', '16,32,64', '--eval-tokens', '1024']
    const options = ['--strategies', 'alibi,rotary', '--protocols', 'nonoverlapping,sliding', '--out', 'run']
    const { code, seen, lines, raw } = await inTerminal(columns, ['run', ...tiny, ...lengths, ...options], folder)
    expect(code).toBe(0)
    for (const name of ['alibi', 'rotary']) {
      const training = percents(seen, new RegExp(`^${name}-seed1 train +■* +\\d+%`))
      expect([...training].filter((percent) => percent > 0 && percent < 100).length).toBeGreaterThan(2)
      // Each piece of work has left one line with what came out.
      const left = lines.filter((line) => line.startsWith(`${name}-seed1 `))
      expect(left[0]).toMatch(/^\S+ train 100% loss \d\.\d{3} [\d,]+ tok\/s$/)
      expect(left).toHaveLength(1 + 6)
      for (const line of left.slice(1)) expect(line).toMatch(/ at (16|32|64).* 100% perplexity \d+\.\d+ [\d,]+ tok\/s$/)
    }
    expect([...seen].filter((line) => /^alibi-seed1 train .*■.* loss \d\.\d{3} [\d,]+ tok\/s/.test(line))).not.toEqual(
      [],
    )
    expect(lines.join('\n')).not.toMatch(/■| left\b|0%(?<!100%)/)
    // The cursor is there again.
    expect(raw.lastIndexOf('\u001b[?25h')).toBeGreaterThan(raw.lastIndexOf('\u001b[?25l'))
    // Broken between words.
    expect(lines.join(' ').replaceAll(/ +/g, ' ')).toContain('evaluated at 16, 32, 64; results in')
  })

  it('sweep shows its own cell on every line, and keeps the line of every finished cell', async () => {
    const plan = {
      strategies: ['alibi', 'none'],
      trainLengths: [16],
      seeds: [1],
      sizes: [{ numLayers: 1, modelDim: 16, numHeads: 2 }],
      settings: { data: './text.txt', steps: 200, batchSize: 2, evalLengths: [16, 32], evalTokens: 256 },
    }
    await writeFile(join(folder, 'plan.json'), JSON.stringify(plan))
    const { code, seen, lines } = await inTerminal(
      columns,
      ['sweep', 'plan.json', '--jobs', '2', '--out', 'sweep', '--backend', 'cpu'],
      folder,
    )
    expect(code).toBe(0)
    for (const name of ['alibi', 'none']) {
      const training = percents(seen, new RegExp(`^${name} L16 seed1 train .*\\d+%`))
      expect([...training].filter((percent) => percent > 0 && percent < 100).length).toBeGreaterThan(1)
      expect(lines.filter((line) => line.startsWith(`${name} L16 seed1`))).toEqual([
        expect.stringMatching(/: perplexity \d+\.\d+ at 16, \d+\.\d+ at 32; /),
      ])
    }
    expect([...seen].some((line) => /^all cells .*50% 1 of 2 cells, about .* left$/.test(line))).toBe(true)
    expect(lines.join('\n')).not.toMatch(/■|\d%|all cells/)
  })
})
