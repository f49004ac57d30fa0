/** Longest name: folders, tables and ids have it with more around it. */
const LONGEST = 64
/** What Windows keeps for devices, whatever the ending. */
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\..*)?$/i

/**
 * Whether a name can be a folder on every system, a column of a table, an id of SVG and a key of an object: letters, digits
 * and `. + - _`, a letter or digit first and no dot last.
 */
const isName = (name: string): boolean =>
  name.length <= LONGEST &&
  /^[a-z0-9](?:[\w.+-]*[\w+-])?$/i.test(name) &&
  !RESERVED.test(name) &&
  !(name in Object.prototype)

/**
 * Refuses a name that {@link isName} does not take, or that others have already: in whatever case, as some file systems see it.
 *
 * @param remedy - what to do then
 * @throws RangeError, one line
 */
export function checkName(where: string, name: string, others: readonly string[], remedy = 'rename it'): void {
  if (!isName(name))
    throw new RangeError(
      `${where}: expected a name of at most ${LONGEST} letters, digits and .+-_ that every system takes for a folder, got ${JSON.stringify(name)?.slice(0, 80)}; ${remedy}`,
    )
  const taken = others.find((other) => other.toLowerCase() === name.toLowerCase())
  if (taken !== undefined)
    throw new RangeError(
      `${where}: expected a name of its own, got ${name}, and ${taken} is another strategy; ${remedy}`,
    )
}
