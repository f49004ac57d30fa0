/** A word for a POSIX shell, in quotes where it would not be taken as it is. */
const quote = (word: string) => (/^[\w.,:/@+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** A command that can be pasted into a shell, e.g. `pnpm bench run --resume --out 'my runs/1'`. */
export const pasteable = (...words: readonly string[]): string => ['pnpm', 'bench', ...words].map(quote).join(' ')

/** Settings as options, e.g. `--train-length 64`. */
export const asOptions = (settings: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(settings).flatMap(([key, value]) => {
    const name = key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    if (value === undefined) return []
    if (typeof value === 'boolean') return [value ? `--${name}` : `--no-${name}`]
    return [`--${name}`, `${value}`]
  })
