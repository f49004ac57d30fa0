import { stylesOf, withVariables } from '@alibi/charts'
import { escapeHtml } from '@alibi/charts/page'
import type { Row } from '@alibi/results'
import { trainLengthsOf } from '@alibi/results'
import { thousands } from '../../terminal/format.js'

/** Controls that pick rows in all tables and pictures at once; empty where there is one row. Hidden without scripts. */
export function pickBar(rows: readonly Row[]): string {
  const strategies = [...new Map(rows.map(({ strategy, name }) => [strategy, name]))]
  const styles = stylesOf([...new Set(rows.map(({ name }) => name))])
  const lengths = trainLengthsOf(rows)
  const box = (name: string, value: string, text: string, colour = '') =>
    `<label><input type="checkbox" name="${name}" value="${escapeHtml(value)}" checked${colour && ` style="accent-color:${colour}"`}>${escapeHtml(text)}</label>`
  const groups = [
    strategies.length > 1 &&
      `<fieldset><legend>Strategies</legend>${strategies.map(([strategy, name]) => box('strategy', strategy, strategy, withVariables(styles.get(name)!.colour))).join('')}</fieldset>`,
    lengths.length > 1 &&
      `<fieldset><legend>Trained at</legend>${lengths.map((length) => box('train-length', `${length}`, thousands(length))).join('')}</fieldset>`,
  ].filter(Boolean)
  if (!groups.length) return ''
  return `<form class="pick" aria-label="Rows to show" hidden>${groups.join('')}<button type="reset">All</button></form>
<p class="picked" role="status" hidden></p>`
}
