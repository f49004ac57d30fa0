/** The element of an id that the page is known to have. */
export const element = <T extends HTMLElement = HTMLElement>(id: string): T => document.getElementById(id) as T

/** A new element with text or children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>>,
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  made.append(...children)
  return made
}

/** Greys a button out but keeps it focusable: who uses a keyboard would lose their place. */
export function setEnabled(button: HTMLElement, enabled: boolean): void {
  button.setAttribute('aria-disabled', String(!enabled))
}

export const isEnabled = (button: HTMLElement): boolean => button.getAttribute('aria-disabled') !== 'true'

/** A table whose first column names its rows; it scrolls by itself where it is too wide, also by keyboard. */
export function table(caption: string, head: readonly string[], body: readonly (readonly string[])[]): HTMLElement {
  const heads = head.map((text) => make('th', { scope: 'col' }, text))
  const rows = body.map(([first = '', ...rest]) =>
    make('tr', {}, make('th', { scope: 'row' }, first), ...rest.map((text) => make('td', {}, text))),
  )
  return make(
    'div',
    { class: 'wide', role: 'region', tabindex: '0', 'aria-label': caption },
    make(
      'table',
      {},
      make('caption', {}, caption),
      make('thead', {}, make('tr', {}, ...heads)),
      make('tbody', {}, ...rows),
    ),
  )
}

/** Has the browser save a file. */
export function save(name: string, type: string, content: string | Uint8Array<ArrayBuffer>): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([content], { type }))
  link.download = name
  link.click()
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
