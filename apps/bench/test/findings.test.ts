import { checkFindings, emptyResults, evidenceText, type Results } from '@alibi/results'
import { describe, expect, it } from 'vitest'
import { resultTables } from '../src/report/result-tables.js'
import { exampleResults } from './example-results.js'

const example = exampleResults()
const verdicts = (results: Results) => checkFindings(results).map(({ verdict }) => verdict)
/** The example with other losses. */
const withLosses = (loss: (line: Results['evals'][number]) => number): Results => ({
  ...example,
  evals: example.evals.map((line) => ({ ...line, lossNats: loss(line), perplexity: Math.exp(loss(line)) })),
})
const doublings = ({ evalLength, trainLength }: { evalLength: number; trainLength: number }) =>
  Math.log2(evalLength / trainLength)

describe('the paper’s findings', () => {
  it('hold where the numbers say so, of every train length', () => {
    const results = withLosses((line) => {
      const rise = { alibi: -0.001, sinusoidal: 0.6 }[line.strategy] ?? 0.2
      return 1.3 + 0.02 * line.seed + rise * doublings(line) + (line.strategy === 'sinusoidal' ? 0.1 : 0)
    })
    const faster = results.train.map((line) => ({ ...line, tokensPerSecond: 1e6 / line.trainLength + line.seed }))
    // 16 times 256 was not evaluated; 16 times 128 was.
    const findings = checkFindings({ ...results, train: faster })
    expect(findings.map(({ verdict }) => verdict)).toEqual(['holds', 'holds', 'holds', 'holds', 'holds'])
    expect(evidenceText(findings[2]!.evidence)).toBe(
      'trained at 128, 2,048 against 128: −0.4 % (95 % interval −0.4 % to −0.4 %, 3 seeds)',
    )
  })

  it('do not hold where the numbers say the opposite', () => {
    const results = withLosses((line) => {
      const rise = { alibi: 0.3, sinusoidal: -0.1 }[line.strategy] ?? 0.2
      return 1.3 + 0.02 * line.seed + rise * doublings(line)
    })
    const positions = results.positions.map((line) => ({
      ...line,
      bins: line.bins.map((bin) => ({ ...bin, lossNats: 2 - bin.from / 1e4 })),
    }))
    expect(verdicts({ ...results, positions })).toEqual(Array.from({ length: 5 }, () => 'does not hold'))
  })

  it('are inconclusive where the seeds decide one strategy of two, or half of the claim', () => {
    const results = withLosses((line) => {
      const rise = { alibi: -0.001, sinusoidal: 0.6, rotary: 0.1 + 0.4 * (line.seed % 3) }[line.strategy] ?? 0.2
      return 1.3 + 0.02 * line.seed + rise * doublings(line)
    })
    const [, further, , replaces] = checkFindings({ ...results, train: [] })
    expect(further!.verdict).toBe('inconclusive')
    // 10 % is ln 1.1 / 0.2 of a doubling away for one, ln 1.1 / 0.6 for the other.
    expect(evidenceText(further!.evidence)).toMatch(
      /rotary against sinusoidal.*; .*, t5-bias against sinusoidal: \+25 % \(/,
    )
    expect(replaces!.verdict).toBe('inconclusive')
    expect(evidenceText(replaces!.evidence)).toMatch(
      /against sinusoidal trained there: .* seconds of training a token: no seed has both/,
    )
    const withoutRotary = checkFindings({
      ...results,
      evals: results.evals.filter(({ strategy }) => strategy !== 'rotary'),
    })
    expect(withoutRotary[1]!.verdict).toBe('holds')
  })

  it('are measured changes that are not tested where there is one seed', () => {
    const ofFirst = <L extends { seed: number }>(lines: readonly L[]) => lines.filter(({ seed }) => seed === 1)
    const { train, evals, positions } = example
    const one = { ...example, train: ofFirst(train), evals: ofFirst(evals), positions: ofFirst(positions) }
    expect(verdicts(one)).toEqual(Array.from({ length: 5 }, () => 'one seed, not tested'))
    const [soon] = checkFindings(one)
    expect(evidenceText(soon!.evidence)).toMatch(
      /^trained at 128, the 100 tokens past it against those before: \+\d+ %/,
    )
  })

  it('are left out where they are about strategies that the run does not have', () => {
    expect(checkFindings(emptyResults(example.run))).toEqual([])
    const evals = example.evals.filter(({ strategy }) => strategy === 'alibi')
    const claims = checkFindings({ ...emptyResults(example.run), evals }).map(({ claim }) => claim)
    expect(claims).toEqual([expect.stringMatching(/^ALiBi keeps/), expect.stringMatching(/^Under a sliding window/)])
  })

  it('compare sliding windows that overlap alone', () => {
    // Windows of 128 that move by 128 leave early tokens without context, at a higher loss.
    const evals = example.evals
      .filter(({ protocol }) => protocol === 'sliding')
      .map((line) => ({ ...line, stride: 128, lossNats: line.evalLength === 128 ? 3 : 1.3 + 0.001 * line.seed }))
    const flat = checkFindings({ ...example, evals }).find(({ claim }) => claim.includes('sliding window'))!
    expect(flat.verdict).toBe('holds')
    expect(evidenceText(flat.evidence)).toContain('2,048 against 256')
  })

  it('are not measured where a run has nothing to compare', () => {
    const plain = { ...example, evals: example.evals.filter(({ protocol }) => protocol === 'nonoverlapping') }
    expect(verdicts(plain).at(-1)).toBe('not measured')
    expect(verdicts({ ...plain, positions: [] })[0]).toBe('not measured')
  })

  it('are inconclusive where seeds disagree', () => {
    const untold = Array.from({ length: 5 }, () => 'inconclusive')
    const noisy = withLosses(
      (line) => 1.3 + 0.5 * Math.sin(7 * line.seed * (line.evalLength / 128) * line.strategy.length),
    )
    expect(verdicts(noisy).slice(1)).toEqual(untold.slice(1))
  })
})

describe('the best of a column', () => {
  const marks = (loss: Parameters<typeof withLosses>[0]) => {
    const results = withLosses(loss)
    const [first] = resultTables({ ...results, evals: results.evals.filter((line) => line.trainLength === 128) })
    // The column of 128, of the rows that have it.
    return first!.rows.filter(({ cells }) => cells[2]!.text !== '—').map(({ cells }) => cells[2]!.mark)
  }
  const order = ['alibi', 'sinusoidal', 'rotary', 't5-bias', 'none']

  it('is marked when the seeds bear it out', () => {
    expect(marks(({ strategy, seed }) => 1 + order.indexOf(strategy) + 0.01 * seed)[0]).toBe('best')
  })

  it('is shared by those that the seeds do not tell apart', () => {
    const close = (strategy: string, seed: number) => (strategy === 'alibi' ? 0.02 * (-1) ** seed : 0)
    const loss = (line: { strategy: string; seed: number }) =>
      order.indexOf(line.strategy) < 2 ? 1 + close(line.strategy, line.seed) : 3
    expect(marks(loss)).toEqual(['level', 'level', undefined, undefined, undefined])
  })

  it('is nobody where the seeds tell nothing', () => {
    expect(new Set(marks(({ strategy, seed }) => 2 + (seed === 1 + (order.indexOf(strategy) % 3) ? 0.1 : 0)))).toEqual(
      new Set([undefined]),
    )
  })
})
