/** An integer from `low` to `high`, both included. */
export const between = (low: number, high: number, random: () => number): number =>
  low + Math.floor(random() * (high - low + 1))

const pick = <T>(from: ArrayLike<T>, random: () => number): T => from[Math.floor(random() * from.length)]!

/** `count` picks, each as likely whatever came before. */
export const picks = <T>(from: ArrayLike<T>, count: number, random: () => number): T[] =>
  Array.from({ length: count }, () => pick(from, random))
