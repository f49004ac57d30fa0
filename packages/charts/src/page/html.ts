import { escapeHtml } from '../escape.js'
import type { Cell } from '../figure.js'
import { attributesOf, type Tags } from '../tags.js'

/** A cell as HTML of what is inside. */
export type HtmlCell = string | { readonly html: string; readonly note?: string | undefined; readonly tags?: Tags }

/**
 * A table whose first column names its rows; it scrolls by itself where it is too wide, also by keyboard.
 *
 * @param caption - text
 * @param head - text; tags are of the column
 * @param cells - of the body; the first of a row is its head, whose tags are of the row
 */
export function htmlTable(caption: string, head: readonly Cell[], cells: readonly (readonly HtmlCell[])[]): string {
  const heads = head.map((cell) =>
    typeof cell === 'string'
      ? `<th scope="col">${escapeHtml(cell)}`
      : `<th scope="col"${attributesOf(cell.tags)}>${escapeHtml(cell.text)}`,
  )
  const rows = cells.map(([first = '', ...rest]) => {
    const { html, tags } = typeof first === 'string' ? { html: first, tags: undefined } : first
    return `<tr${attributesOf(tags)}><th scope="row">${html}${rest.map(dataCell).join('')}`
  })
  return `<div class="wide" role="region" tabindex="0" aria-label="${escapeHtml(caption)}"><table><caption><span>${escapeHtml(caption)}</span></caption><thead><tr>${heads.join('')}<tbody>${rows.join('\n')}</table></div>`
}

function dataCell(cell: HtmlCell): string {
  if (typeof cell === 'string') return `<td>${cell}`
  return `<td${cell.note === undefined ? '' : ` data-note="${escapeHtml(cell.note)}"`}>${cell.html}`
}

/** A cell of text as one of HTML. */
export const htmlCell = (cell: Cell): HtmlCell =>
  typeof cell === 'string' ? escapeHtml(cell) : { ...cell, html: escapeHtml(cell.text) }
