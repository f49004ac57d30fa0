import { escapeHtml } from '../escape.js'
import type { Figure } from '../figure.js'
import { withVariables } from '../palette.js'
import { htmlTable } from './html.js'

/** Widths that a picture is drawn for: letters stay readable on both. */
const WIDE = 760
const NARROW = 380

/** A figure with its caption, a picture for wide and one for narrow windows, what it says in words, and its numbers. */
export function htmlFigure(figure: Figure): string {
  const { aspect } = figure
  const wide = picture(figure, 'at-wide', WIDE, WIDE / aspect)
  return around(figure, `${wide}${picture(figure, 'at-narrow', NARROW, Math.max(300, NARROW / aspect))}`)
}

/** The same for one that is always narrow: it stands beside others. */
export const narrowHtmlFigure = (figure: Figure): string =>
  around(figure, picture(figure, 'always', NARROW, NARROW / figure.aspect))

const around = ({ id, title, caption, description, table }: Figure, pictures: string) => `<figure id="${id}">
<figcaption><h3 id="${id}-title">${escapeHtml(title)}</h3><p>${escapeHtml(caption)}</figcaption>
<div class="picture">${pictures}</div>
<p class="unseen" id="${id}-words">${escapeHtml(description)}</p>
<details><summary>Numbers of this figure</summary>${htmlTable(
  title,
  table.head,
  table.body.map((row) => row.map(escapeHtml)),
)}</details>
</figure>`

function picture({ id, draw }: Figure, kind: string, width: number, height: number): string {
  const svg = draw({ width, height: Math.round(height) })
  const named = `<svg class="${kind}" role="img" aria-labelledby="${id}-title" aria-describedby="${id}-words" `
  return withVariables(compact(svg)).replace('<svg ', named)
}

/** Without what the page's style says of every letter, and without hundredths of a pixel. */
const compact = (svg: string) =>
  svg
    .replaceAll(/ (?:dominant-baseline="central"|style="font-size:13px;font-family:[^"]*;")/g, '')
    .replaceAll(/(\.\d\d)\d+/g, '$1')
