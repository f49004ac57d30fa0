// A Unigram's best pieces (Kudo, 2018), found as Rust's tokenizers find them: the library's own lattice decides ties otherwise,
// and is slow.

/** The library's model, of which its types say nothing. */
export interface Unigram {
  readonly vocab: readonly string[]
  readonly tokens_to_ids: ReadonlyMap<string, number>
  readonly trie: { readonly root: Node }
  readonly config: { readonly vocab: readonly (readonly [piece: string, score: number])[] }
  tokenize(word: string): string[]
}

/** All pieces that go on with the same characters. */
interface Node {
  readonly is_leaf: boolean
  readonly children: ReadonlyMap<string, Node>
}

/** What a character without a piece costs beyond the least likely piece. */
const UNKNOWN_PENALTY = 10

/**
 * Makes a Unigram's `tokenize` the one of Rust.
 *
 * @param special - pieces that are no text: Rust's would find them in a text, SentencePiece's own does not
 */
export function tokenizeAsRust(model: Unigram, special: ReadonlySet<string>): void {
  const { trie, tokens_to_ids: ids } = model
  const scores = model.config.vocab.map(([, score]) => score)
  const unknown = scores.reduce((least, score) => Math.min(least, score), Infinity) - UNKNOWN_PENALTY
  model.tokenize = (word) => {
    const characters = Array.from(word)
    /** Of the best pieces up to each place: their score, and where the last of them begins. */
    const best = new Float64Array(characters.length + 1)
    const starts = new Int32Array(characters.length + 1).fill(-1)
    const offer = (from: number, end: number, score: number) => {
      const candidate = score + best[from]!
      if (starts[end]! >= 0 && candidate <= best[end]!) return
      best[end] = candidate
      starts[end] = from
    }
    for (let from = 0; from < characters.length; from++) {
      let node: Node | undefined = trie.root
      let piece = ''
      let isKnown = false
      for (let at = from; at < characters.length; at++) {
        node = node.children.get(characters[at]!)
        if (!node) break
        piece += characters[at]
        if (!node.is_leaf || special.has(piece)) continue
        offer(from, at + 1, scores[ids.get(piece)!]!)
        isKnown ||= at === from
      }
      if (!isKnown) offer(from, from + 1, unknown)
    }
    const pieces: string[] = []
    for (let end = characters.length; end > 0; end = starts[end]!)
      pieces.push(characters.slice(starts[end], end).join(''))
    return pieces.reverse()
  }
}
