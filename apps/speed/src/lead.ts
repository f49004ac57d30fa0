// The tables of the README: ours beside the best peer of each part, from the file of results.
import type { Started } from './parts/npm-start.js'
import type { Comparison } from './parts/part.js'
import type { Measured, Results } from './results.js'
import { median, type Outcome } from './steps/duel.js'
import { gigaflopOfStep, type Peaks, spread, table } from './steps/tables.js'

type Compared = Measured & Comparison

const TITLES: Readonly<Record<string, string>> = {
  'train-nano': "training step, nanoGPT's CPU size",
  'train-256': 'training step, 8 × 256',
  'train-1024': 'training step, 2 × 1,024',
  'train-4096': 'training step, 1 × 4,096',
  'evaluation-256': 'evaluation, 8 × 256',
  'evaluation-1024': 'evaluation, 2 × 1,024',
  'evaluation-4096': 'evaluation, 1 × 4,096',
  'evaluation-16384': 'evaluation, 1 × 16,384',
  decoding: 'decoding after 512 tokens, a token',
  prefill: 'prefill of 4,096 tokens',
}

/** Markdown: a table of times, one of what follows from them, and what was not there. */
export function leadTables(results: Results): string[] {
  const compared = Object.keys(TITLES).filter((name) => name in results.parts)
  const rows = compared.map((name) => leadRow(TITLES[name]!, partOf(results, name)!))
  const derived = derivedRows(results)
  const missing = [...Object.keys(TITLES), 'memory', 'start', 'start-wasm', 'wasm-threads'].filter(
    (name) => !(name in results.parts),
  )
  return [
    ...table([['', 'ours', 'best peer', 'its time', "peer's time ÷ ours"], ...rows]),
    ...(derived.length ? ['', ...table([['', ''], ...derived])] : []),
    ...(missing.length ? ['', `Not measured: ${missing.join(', ')}.`] : []),
    ...absences(results),
    '',
    ...provenance(results),
  ]
}

function leadRow(title: string, { outcomes }: Compared): string[] {
  const [own] = outcomes
  const best = bestPeer(outcomes)
  return [
    title,
    milliseconds(own!),
    ...(best ? [best.name, milliseconds(best), spread(best.ratio)] : ['none was there', '', '']),
  ]
}

/** The fastest beside ours, of the same turns. */
const bestPeer = (outcomes: readonly Outcome[], which = /./): Outcome | undefined =>
  outcomes
    .filter(({ name }) => !name.startsWith('ours') && which.test(name))
    .sort((a, b) => a.ratio.median - b.ratio.median)[0]

function derivedRows(results: Results): string[][] {
  const rows: string[][] = []
  const add = (title: string, value: string | undefined) => {
    if (value !== undefined) rows.push([title, value])
  }
  for (const length of ['256', '1024']) {
    const part = partOf(results, `train-${length}`)
    if (part)
      add(
        `share of the ceiling of products, training at ${length}`,
        `${((100 * gigaflopOfStep(part.size)) / median(part.outcomes[0]!.seconds) / part.ceiling).toFixed(0)} % of ${part.ceiling.toFixed(0)} GFLOP/s`,
      )
  }
  const step = partOf(results, 'evaluation-256')?.outcomes.find(({ name }) => name === 'ours, a training step')
  add('rate of evaluation ÷ of training at 8 × 256', step && spread(step.ratio))
  const ratio = (title: string, part: string, which: RegExp) => {
    const outcomes = partOf(results, part)?.outcomes
    const peer = outcomes && bestPeer(outcomes, which)
    add(title, peer && spread(peer.ratio))
  }
  ratio("one sequence of 16,384: tokens/s ÷ compiled flex_attention's", 'evaluation-16384', /flex/)
  ratio("decoding after 512: transformers' fastest way ÷ ours", 'decoding', /transformers/)
  const memory = results.parts.memory as (Measured & Peaks) | undefined
  const sdpa = memory?.peaks.find(({ name }) => name === 'PyTorch, SDPA')
  if (memory && sdpa)
    add(
      "peak resident memory of training at 4,096 ÷ PyTorch SDPA's",
      `${(memory.peaks[0]!.peakBytes / sdpa.peakBytes).toFixed(2)} (${gibibytes(memory.peaks[0]!.peakBytes)} of ${gibibytes(sdpa.peakBytes)})`,
    )
  const minutes = (part: string) => {
    const started = results.parts[part] as (Measured & Started) | undefined
    return started && `${(started.seconds / 60).toFixed(1)} minutes`
  }
  add('`npm start` in a fresh clone, with empty caches', minutes('start'))
  add('the same without Python and a compiler, on WebAssembly', minutes('start-wasm'))
  const [threads, one] = partOf(results, 'wasm-threads')?.outcomes ?? []
  add(`WebAssembly: ${threads?.name.split(', ').at(-1)} ÷ one, steps a second`, one && spread(one.ratio))
  return rows
}

/** Each reason once, with the parts that it concerns. */
function absences({ parts }: Results): string[] {
  const all = new Map<string, string[]>()
  for (const [name, { absent = [] }] of Object.entries(parts))
    for (const one of absent) {
      const line = `${one.name}: ${one.reason}`
      all.set(line, [...(all.get(line) ?? []), name])
    }
  return all.size ? ['', ...[...all].map(([line, where]) => `- Absent in ${where.join(', ')}: ${line}`)] : []
}

/** Where the figures come from, and what it takes to measure them again. */
function provenance({ device, versions, parts }: Results): string[] {
  const all = Object.values(parts) as (Measured & { readonly versions?: Readonly<Record<string, string>> })[]
  const peers = Object.assign({}, versions, ...all.map(({ versions }) => versions))
  const commits = [...new Set(all.map(({ commit }) => commit ?? 'no commit'))]
  const minutes = Object.entries(parts).map(([name, { minutes }]) => `${name} ${minutes.toFixed(1)}`)
  return [
    `On ${device}; ${Object.entries(peers)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}; code of ${commits.join(', ')}.`,
    '',
    `Minutes of each part: ${minutes.join(', ')}.`,
  ]
}

const partOf = ({ parts }: Results, name: string) => parts[name] as Compared | undefined
const milliseconds = ({ seconds }: Outcome) => {
  const ms = 1000 * median(seconds)
  return `${ms.toPrecision(3).includes('e') ? ms.toFixed(0) : ms.toPrecision(3)} ms`
}
const gibibytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`

const BEGIN = '<!-- pnpm speed table -->'
const END = '<!-- /pnpm speed table -->'

/**
 * A page with its tables written again, between two comments.
 *
 * @throws Error, one line, for a page without them
 */
export function withTables(page: string, lines: readonly string[]): string {
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (after === undefined) throw new Error(`speed: expected a page with ${BEGIN} and ${END}, got neither or one`)
  return `${before}${BEGIN}\n\n${lines.join('\n')}\n\n${END}${after}`
}
