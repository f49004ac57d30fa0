/** An integer from `low` to `high`, both included. */
export const between = (low: number, high: number, random: () => number): number =>
  low + Math.floor(random() * (high - low + 1))

export const pick = <T>(from: ArrayLike<T>, random: () => number): T => from[Math.floor(random() * from.length)]!

/** `count` picks, each as likely whatever came before. */
export const picks = <T>(from: ArrayLike<T>, count: number, random: () => number): T[] =>
  Array.from({ length: count }, () => pick(from, random))

/** `count` different ones of what `make` makes. */
export function distinct(count: number, make: () => string, others: Iterable<string> = []): string[] {
  const taken = new Set(others)
  return Array.from({ length: count }, () => {
    let made = make()
    while (taken.has(made)) made = make()
    taken.add(made)
    return made
  })
}

/** In an order of which each is as likely (Fisher and Yates). */
export function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const all = [...values]
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[all[i], all[j]] = [all[j]!, all[i]!]
  }
  return all
}

/** `count` different integers of 0 … range − 1, ascending; every choice as likely. */
export function sample(range: number, count: number, random: () => number): number[] {
  const chosen = new Set<number>()
  // Floyd's algorithm: it needs no list of all of them.
  for (let last = range - count; last < range; last++) {
    const value = Math.floor(random() * (last + 1))
    chosen.add(chosen.has(value) ? last : value)
  }
  return [...chosen].sort((a, b) => a - b)
}
