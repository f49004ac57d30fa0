/** A text as tokens: its bytes. */
export interface Corpus {
  readonly train: Int32Array
  readonly valid: Int32Array
}

/** The name that saved models have for the text beside them. */
export const TEXT_FILE = 'text.txt'

/** The model reads that many times the train length. */
const FACTORS = [1, 2, 4, 8] as const

/** More than a page's minutes of training would ever read, and what a text box bears. */
export const LARGEST_BYTES = 2_000_000

const HELD_OUT = 0.1

/** The last tenth is held out. */
export function corpusOf(text: string): Corpus {
  const bytes = Int32Array.from(new TextEncoder().encode(text))
  const at = Math.floor(bytes.length * (1 - HELD_OUT))
  return { train: bytes.subarray(0, at), valid: bytes.subarray(at) }
}

/** The evaluation lengths that the held-out text can fill: each token predicts the one after it. */
export const evalLengthsOf = ({ valid }: Corpus, trainLength: number): number[] =>
  FACTORS.map((factor) => factor * trainLength).filter((length) => length < valid.length)

/** What keeps a text from being used, in one sentence; or undefined. */
export function problemOfText({ train, valid }: Corpus, trainLength: number): string | undefined {
  const bytes = train.length + valid.length
  const number = (value: number) => value.toLocaleString('en-US')
  if (!bytes) return 'There is no text yet: type or paste one, choose a file, or take the sample.'
  if (bytes > LARGEST_BYTES)
    return `The text has ${number(bytes)} bytes, and this page takes ${number(LARGEST_BYTES)} at most: take a part of it.`
  const needed = Math.ceil((trainLength + 1) / HELD_OUT)
  if (valid.length <= trainLength || train.length <= trainLength)
    return `The text is too short: it has ${number(bytes)} bytes, and a train length of ${trainLength} needs ${number(needed)}; take more text or a shorter train length.`
  return undefined
}
