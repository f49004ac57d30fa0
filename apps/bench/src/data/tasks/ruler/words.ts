import { between, pick, picks } from '../random.js'

const ADJECTIVES =
  'able amber ancient bitter bold brave brief bright broad calm careful clever cold crisp curious dark deep early easy empty eager fair faint famous fierce fine firm flat fresh gentle giant glad golden grand green happy heavy hollow honest humble hungry icy keen kind late lazy light little lively lonely long loud lucky mellow merry mild modest narrow neat nimble noble odd old open orange pale patient plain polite proud quick quiet rapid rare ready red rich rough round royal rusty safe salty sharp shiny short shy silent silver simple slim slow small smooth soft solid steep stiff stout strange strong sudden sunny sweet swift tall tender thick thin tidy tiny tired true vague vast warm wary weak wet white wide wild wise young'.split(
    ' ',
  )
const NOUNS =
  'anchor apple arrow badge barn basket beach bell bench bird blanket boat bottle branch bread brick bridge brush bucket button cabin camera candle canyon carpet castle chair cherry clock cloud coat coin cottage crown curtain desk diamond door dragon drum eagle engine feather fence field flag flute forest fountain garden gate glove grape guitar hammer harbor hat helmet hill honey horse island jacket jar kettle key kitchen kite ladder lake lamp leaf lemon letter library lion lock map market meadow mirror moon mountain needle nest ocean orchard owl painting paper parrot pebble pencil piano pillow planet plate pocket pond potato queen rabbit raven ribbon river road robot rocket roof rope saddle salt school shadow shelf shell ship shirt shoe spoon spring stable star station stone storm street table tiger tower train tree trumpet tunnel turtle valley village violin wagon wall well whale wheel whistle window wolf wood yard'.split(
    ' ',
  )

const CONSONANTS = 'bdfghjklmnprstvwz'
const VOWELS = 'aeiou'

/** Kinds of keys and values. */
export type Kind = 'words' | 'numbers' | 'uuids'

/** e.g. `brave-lantern`, `4821937`, `7c6e…` */
export function somethingOf(kind: Kind, random: () => number): string {
  if (kind === 'words') return `${pick(ADJECTIVES, random)}-${pick(NOUNS, random)}`
  if (kind === 'numbers') return `${between(1_000_000, 9_999_999, random)}`
  const digits = picks('0123456789abcdef', 30, random).join('')
  // Version 4, RFC 9562.
  const groups = [digits.slice(0, 8), digits.slice(8, 12), `4${digits.slice(12, 15)}`]
  return [...groups, `${pick('89ab', random)}${digits.slice(15, 18)}`, digits.slice(18)].join('-')
}

/** So many letters. */
export const lettersOf = (alphabet: string, length: number, random: () => number): string =>
  picks(alphabet, length, random).join('')

/** A word of two or three syllables, e.g. `kuto`: there are more of them than any list would ask for. */
export const syllables = (random: () => number): string =>
  Array.from({ length: between(2, 3, random) }, () => pick(CONSONANTS, random) + pick(VOWELS, random)).join('')
