import type { Figure } from '../figures/figure.js'
import { withVariables } from '../palette.js'
import { escapeHtml, htmlTable } from './html.js'

/** Widths that a picture is drawn for: letters stay readable on both. */
const WIDE = 760
const NARROW = 380

/** A figure with its caption, a picture for wide and one for narrow windows, what it says in words, and its numbers. */
export function htmlFigure({ id, title, caption, description, table, aspect, draw }: Figure): string {
  const picture = (kind: string, width: number, height: number) =>
    withVariables(draw({ width, height: Math.round(height) })).replace(
      '<svg ',
      `<svg class="${kind}" role="img" aria-labelledby="${id}-title" aria-describedby="${id}-words" `,
    )
  const body = table.body.map((row) => row.map(escapeHtml))
  return `<figure id="${id}">
<figcaption><h3 id="${id}-title">${escapeHtml(title)}</h3><p>${escapeHtml(caption)}</figcaption>
<div class="picture">${picture('at-wide', WIDE, WIDE / aspect)}${picture('at-narrow', NARROW, Math.max(300, NARROW / aspect))}</div>
<p class="unseen" id="${id}-words">${escapeHtml(description)}</p>
<details><summary>Numbers of this figure</summary>${htmlTable(title, table.head, body)}</details>
</figure>`
}
