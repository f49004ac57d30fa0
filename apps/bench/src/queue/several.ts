/**
 * Acts on all of a list, on so many at the same time, and waits for those that were begun, also after a failure.
 *
 * @throws the first error of an act; what had not begun by then may have been left out
 */
export async function severalAtOnce<T>(
  count: number,
  all: readonly T[],
  act: (each: T) => Promise<void>,
): Promise<void> {
  const rest = all.values()
  const oneAfterAnother = async () => {
    for (const each of rest) await act(each)
  }
  const ends = await Promise.allSettled(Array.from({ length: count }, oneAfterAnother))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
}
