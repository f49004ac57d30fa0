/** The forms of a strategy's name, e.g. `log-bias`, `logBias`, `LogBias`. */
export interface Names {
  readonly kebab: string
  readonly camel: string
  readonly pascal: string
}

/** Longer ones break lines where the formatter would not. */
const LONGEST = 24

/** Names of built-in strategies, which the bench does not let a plugin have. */
// biome-ignore format: a table
export const TAKEN: readonly string[] = [
  'alibi', 'sinusoidal', 'rotary', 't5-bias', 'kerple-log', 'kerple-power', 'fire', 'sandwich', 'forgetting',
  'transformer-xl', 'shaw', 'deberta', 'cope', 'irope', 'gemma-local', 'streaming', 'learned', 'none',
]

/**
 * @throws Error, one line, for a name that cannot be a package, a file and a function
 */
export function namesOf(kebab: string): Names {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(kebab) || kebab.length > LONGEST)
    throw new Error(
      `create-strategy: expected a name of at most ${LONGEST} lower-case letters, digits and single hyphens, got ${kebab}; e.g. log-bias`,
    )
  if (TAKEN.includes(kebab) || kebab.startsWith('alibi-'))
    throw new Error(`create-strategy: expected a name of its own, got ${kebab}, a built-in strategy; e.g. my-${kebab}`)
  const camel = kebab.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
  if (!isIdentifier(camel))
    throw new Error(`create-strategy: expected a name that can be a function’s, got ${kebab}; e.g. ${kebab}-bias`)
  return { kebab, camel, pascal: camel.charAt(0).toUpperCase() + camel.slice(1) }
}

/** Whether it is no reserved word; in modules `await` is one too. */
function isIdentifier(word: string): boolean {
  try {
    new Function(`'use strict'; const ${word} = 0`)
    return word !== 'await'
  } catch {
    return false
  }
}
