/** What went wrong, and what to do, in one sentence for a person. */
export function sentenceOf(message: string): string {
  const detail = message.trim().split('\n')[0]!.replace(/\.$/, '')
  if (/device was lost/.test(message))
    return `The GPU was lost, so what was trained is gone; start again, or choose another device. (${detail})`
  if (/out of memory|memory access out of bounds|allocation failed|\bOOM\b/i.test(message))
    return `The memory ran out, so what was trained is gone; take a shorter train length and start again. (${detail})`
  if (/finite loss/.test(message))
    return `The training ran away; start again with more steps or another strategy. (${detail})`
  const refused = /expected \w+ to work here, got: ([^;]*)/.exec(detail)
  if (refused) return `That device does not work here: ${refused[1]}.`
  return `Something went wrong, so what was trained is gone; start again. (${detail})`
}
