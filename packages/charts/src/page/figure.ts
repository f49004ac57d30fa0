import { escapeHtml } from '../escape.js'
import type { Figure } from '../figure.js'
import { withVariables } from '../palette.js'
import { besideLayout, drawFigure, type Layout, narrowLayout, wideLayout } from '../panels.js'
import { attributesOf } from '../tags.js'
import { htmlCell, htmlTable } from './html.js'

/** A figure with its caption, a picture for wide and one for narrow windows, what it says in words, and its numbers. */
export const htmlFigure = (figure: Figure): string =>
  around(
    figure,
    `${picture(figure, 'at-wide', wideLayout(figure))}${picture(figure, 'at-narrow', narrowLayout(figure))}`,
  )

/** The same for one that is always narrow: it stands beside others. */
export const narrowHtmlFigure = (figure: Figure): string =>
  around(figure, picture(figure, 'always', besideLayout(figure)))

function around({ id, title, caption, description, table, tags, panels }: Figure, pictures: string): string {
  const all = tags ?? (panels.length === 1 ? panels[0]!.tags : undefined)
  const numbers = htmlTable(
    title,
    table.head,
    table.body.map((row) => row.map(htmlCell)),
  )
  return `<figure id="${id}"${attributesOf(all)}>
<figcaption><h3 id="${id}-title">${escapeHtml(title)}</h3></figcaption>
<div class="picture">${pictures}</div>
<p class="caption">${escapeHtml(caption)}
<p class="unseen" id="${id}-words">${escapeHtml(description)}</p>
<details${isPrinted(table) ? '' : ' class="long"'}><summary>Numbers of this figure</summary>${numbers}</details>
</figure>`
}

/** Whether a sheet of paper has room for the table. */
const isPrinted = ({ head, body }: Figure['table']) => head.length <= 8 && body.length <= 24

function picture(figure: Figure, kind: string, layout: Layout): string {
  const { id } = figure
  const named = `<svg class="${kind}" role="img" aria-labelledby="${id}-title" aria-describedby="${id}-words" `
  return withVariables(compact(drawFigure(figure, layout))).replace('<svg ', named)
}

/** Without what the page's style says of every letter, and without hundredths of a pixel. */
const compact = (svg: string) =>
  svg
    .replaceAll(/ (?:dominant-baseline="central"|style="font-size:13px;font-family:[^"]*;")/g, '')
    .replaceAll(/(\.\d\d)\d+/g, '$1')
