/** Variables, as of a process. */
export type Environment = Readonly<Record<string, string | undefined>>

/** @throws RangeError, one line, for a variable that is not set to a whole number */
export function numberOf(environment: Environment, name: string): number {
  const text = environment[name]
  if (text === undefined || !/^\d+$/.test(text))
    throw new RangeError(`replicas: expected a whole number in the variable ${name}, got ${text ?? 'none'}`)
  return Number(text)
}
