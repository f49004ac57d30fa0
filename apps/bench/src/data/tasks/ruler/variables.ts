import { between, distinct } from '../random.js'
import type { Task, Trial } from '../task.js'
import { firstWords, hiddenAmong, hiddenInText, noiseOf } from './haystack.js'
import { lettersOf } from './words.js'

export interface VariableOptions {
  readonly haystack: 'noise' | 'essay'
  /** Chains of assignments, of which one is asked for. */
  readonly chains: number
  /** Assignments of a variable to another in each chain. */
  readonly hops: number
  /** Questions with their answers before the one that is asked: 0 or 1. */
  readonly shots: number
}

const CAPITALS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
/** Paragraphs of noise in an example. */
const EXAMPLE = 5
/** An example's chain has at most so many assignments to other variables. */
const MOST_HOPS = 10

/** `VAR A = 1`, `VAR B = VAR A`, …: the variables of a chain, each assigned the one before. */
interface Chain {
  readonly value: string
  readonly variables: readonly string[]
}

const linesOf = ({ value, variables }: Chain) =>
  variables.map((name, i) => `VAR ${name} = ${i ? `VAR ${variables[i - 1]}` : value}`)

function chainsOf(count: number, hops: number, letters: number, random: () => number): Chain[] {
  const names = distinct(count * (hops + 1), () => lettersOf(CAPITALS, letters, random))
  const values = distinct(count, () => `${between(10_000, 99_999, random)}`)
  return values.map((value, i) => ({ value, variables: names.slice(i * (hops + 1), (i + 1) * (hops + 1)) }))
}

/** Lines of several chains mixed, each chain's in their order. */
function mixed(chains: readonly Chain[], random: () => number): string[] {
  const left = chains.map(linesOf)
  const out: string[] = []
  while (left.some((lines) => lines.length)) {
    const open = left.filter((lines) => lines.length)
    out.push(open[Math.floor(random() * open.length)]!.shift()!)
  }
  return out
}

/**
 * RULER's variable tracking: a chain of assignments hidden in a text, and a question for all variables of one value.
 *
 * @param text - words of the haystack `essay`
 */
export function variables(
  { haystack, chains: count, hops, shots }: VariableOptions,
  text: readonly string[] = [],
): Task {
  return {
    unit: haystack === 'essay' ? 'words' : 'paragraphs',
    shortest: haystack === 'essay' ? 1 : count * (hops + 1),
    trial(length, random) {
      const chains = chainsOf(count, hops, 5, random)
      const lines = mixed(chains, random)
      const context =
        haystack === 'essay'
          ? hiddenInText(
              firstWords(text, length),
              lines.map((line) => `${line}.`),
              random,
            )
          : hiddenAmong(noiseOf(length), lines, random)
      const { prompt, answer, parts } = question(chains[0]!, context)
      const before = Array.from({ length: shots }, () => `${example(hops, random)}\n`)
      return { prompt: `${before.join('')}${prompt}`, answer, ...(parts && { parts }) }
    },
  }
}

function example(hops: number, random: () => number): string {
  const [chain] = chainsOf(1, Math.min(hops, MOST_HOPS), 3, random)
  const lines = linesOf(chain!)
  const { prompt, answer } = question(chain!, hiddenAmong(noiseOf(Math.max(EXAMPLE, lines.length)), lines, random))
  return `${prompt}${answer}`
}

const question = ({ value, variables }: Chain, context: string): Trial => ({
  prompt: `Memorize and track the chain(s) of variable assignment hidden in the following text.

${context}
Question: Find all variables that are assigned the value ${value} in the text above. Answer: According to the chain(s) of variable assignment in the text above, ${variables.length} variables are assigned the value ${value}, they are:`,
  answer: ` ${variables.join(' ')}`,
  parts: variables,
})
