/** The parts that the entries of a folder are, by their names. */
export interface Parts {
  readonly train: readonly string[]
  readonly valid: readonly string[]
  /** Neither trained on nor held out: a test part beside a validation part, and what is no part. */
  readonly left: readonly string[]
}

const HELD_OUT = ['valid', 'validation', 'val', 'dev', 'test'] as const

interface Named {
  readonly entry: string
  readonly part: string
  /** What the name has before the part: `wiki.` of wiki.train.tokens. */
  readonly prefix: string
}

/**
 * `train.txt`, `train`, `Train-00001.txt`, `train_books`; or at a name's end, before a shard's number and the extension:
 * `wiki.train.tokens`, `books-val-01.txt`.
 */
function nameOf(entry: string): Named | undefined {
  const found =
    /^()(train|training|valid|validation|val|dev|test)(?![a-z])/i.exec(entry) ??
    /^(.*[^a-z])(train|training|valid|validation|val|dev|test)(?:[-_.]?(?:\d+|of|part|shard))*(?:\.[a-z0-9]+)*$/i.exec(
      entry,
    )
  return found
    ? { entry, prefix: found[1]!.toLowerCase(), part: found[2]!.toLowerCase().replace(/ing$/, '') }
    : undefined
}

/**
 * Which entries of a folder are to train on and which are held out, if their names say it: a part to train on with a partner
 * named alike. Validation parts are held out, and where there is none, test parts.
 *
 * @param say - receives a line for each part that has no partner
 */
export function partsOf(entries: readonly string[], say: (line: string) => void): Parts | undefined {
  const named = entries.flatMap((entry) => nameOf(entry) ?? [])
  const ofPart = (wanted: (part: string) => boolean) => named.filter(({ part }) => wanted(part))
  const alike = (all: readonly Named[], others: readonly Named[]) =>
    all.filter(({ prefix }) => others.some((other) => other.prefix === prefix))
  const training = ofPart((part) => part === 'train')
  const heldOut = ofPart((part) => part !== 'train')
  const valid = alike(heldOut, training)
  const train = alike(training, valid)
  const validation = valid.filter(({ part }) => part !== 'test')
  const held = new Set((validation.length ? validation : valid).map(({ entry }) => entry))
  if (!train.length) {
    for (const { entry } of named)
      say(
        `data: ${entry} has no partner (${entry === training[0]?.entry ? HELD_OUT.join(', ') : 'train'}): all files are joined, and their last tenth is held out`,
      )
    return undefined
  }
  const trained = new Set(train.map(({ entry }) => entry))
  return {
    train: [...trained],
    valid: [...held],
    left: entries.filter((entry) => !trained.has(entry) && !held.has(entry)),
  }
}
