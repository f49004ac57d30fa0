/** Two or more neighbours of one kind, as ECharts writes them. */
const RUNS = /(?:<path [^>]*><\/path>){2,}|(?:<text [^>]*>[^<]*<\/text>){2,}/g
const ELEMENT = /<(path|text) ([^>]*)>([^<]*)<\/\1>/g
const ATTRIBUTE = /([\w-]+)="([^"]*)"/g
/** What one of several neighbours has for itself. */
const OWN = ['d', 'transform']

/**
 * The same picture in fewer letters: ECharts repeats all attributes for every tick, symbol and label, and writes each point from
 * the corner of the picture. Neighbours that share their attributes become one path or one group; paths that name a cell of the
 * figure's table stay alone. Points are written from the one before.
 */
export const compact = (svg: string): string =>
  svg
    // What is behind a title or a picture that has no background.
    .replaceAll(/<path [^>]*fill-opacity="0"[^>]*stroke-width="0"[^>]*><\/path>|<rect [^>]*fill="none"><\/rect>/g, '')
    .replaceAll(/ d="(M[-\d.]+ [-\d.]+(?:L[-\d.]+ [-\d.]+)+)"/g, (_, path) => ` d="${steps(numbersOf(path))}"`)
    .replaceAll(
      /<polygon ([^>]*)points="([^"]*)"([^>]*)><\/polygon>/g,
      (_, before, points, after) => `<path ${before}d="${steps(numbersOf(points))}z"${after}></path>`,
    )
    .replaceAll(/(?<=transform="[^"]*\d\.\d)\d+/g, '')
    .replaceAll(RUNS, grouped)
    .replaceAll('></path>', '/>')

function grouped(run: string): string {
  const groups: { readonly shared: string; readonly own: string[] }[] = []
  for (const [, kind, text, inside] of run.matchAll(ELEMENT)) {
    const attributes = [...text!.matchAll(ATTRIBUTE)]
    const of = (isOwn: boolean) =>
      attributes.filter(([, name]) => OWN.includes(name!) === isOwn).map(([attribute]) => attribute)
    const shared = of(false).join(' ')
    const element = `<${kind} ${of(true).join(' ')}>${inside}</${kind}>`
    const last = groups.at(-1)
    if (last?.shared === shared && !/data-(?:column|row)/.test(shared)) last.own.push(element)
    else groups.push({ shared, own: [element] })
  }
  return groups.map(({ shared, own }) => joined(shared, own)).join('')
}

/** One path where each is a line at its place, else a group. */
function joined(shared: string, own: readonly string[]): string {
  const lines = own.map((element) => /^<path d="(M[^"]*)"><\/path>$/.exec(element)?.[1])
  if (lines.every((line) => line !== undefined)) return `<path d="${lines.join('')}" ${shared}></path>`
  if (own.length === 1) return own[0]!.replace(/^<\w+/, (start) => `${start} ${shared}`)
  return `<g ${shared}>${own.join('')}</g>`
}

const numbersOf = (text: string) => [...text.matchAll(/-?[\d.]+/g)].map(Number)

/** A line through points: `M` to the first, then `l` by so much to each. Differences of rounded places add up to them. */
function steps(numbers: readonly number[]): string {
  const short = (x: number) => String(Math.round(10 * x) / 10).replace(/^(-?)0\./, '$1.')
  const tenths = numbers.map((x) => Math.round(10 * x) / 10)
  const moves = tenths.slice(2).map((x, i) => short(x - tenths[i]!))
  return `M${tenths[0]} ${tenths[1]}l${moves.join(' ').replaceAll(' -', '-')}`
}
