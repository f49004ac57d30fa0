import { escapeHtml } from '../escape.js'

/**
 * A table whose first column names its rows; it scrolls by itself where it is too wide, also by keyboard.
 *
 * @param caption - text
 * @param cells - of the body, as HTML of what is inside; the first of a row is its head
 */
export function htmlTable(caption: string, head: readonly string[], cells: readonly (readonly string[])[]): string {
  const heads = head.map((text) => `<th scope="col">${escapeHtml(text)}`).join('')
  const rows = cells.map(
    ([first, ...rest]) => `<tr><th scope="row">${first}${rest.map((cell) => `<td>${cell}`).join('')}`,
  )
  return `<div class="wide" role="region" tabindex="0" aria-label="${escapeHtml(caption)}"><table><caption><span>${escapeHtml(caption)}</span></caption><thead><tr>${heads}<tbody>${rows.join('\n')}</table></div>`
}
