import { checkInteger, fail } from '@alibi/core'

/** @throws RangeError or TypeError, one line, for a process that there cannot be among so many */
export function checkReplicas(where: string, { index, count }: Readonly<Record<'index' | 'count', number>>): void {
  checkInteger(where, 'replicas.count', count, 1)
  checkInteger(where, 'replicas.index', index, 0)
  if (index >= count) fail(where, `replicas.index below ${count}`, index)
}
