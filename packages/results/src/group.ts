/** Values by a key of theirs, in the order in which keys come first: what `Map.groupBy` is on Node 21. */
export function groupBy<K, V>(values: readonly V[], key: (value: V) => K): Map<K, V[]> {
  const groups = new Map<K, V[]>()
  for (const value of values) {
    const of = key(value)
    const own = groups.get(of)
    if (own) own.push(value)
    else groups.set(of, [value])
  }
  return groups
}
