import { drawCurves, withVariables } from '@alibi/charts'
import type { Figure } from '../figures.js'
import { element, table } from './elements.js'

/** Puts a figure into the page. */
export function show(id: string, { chart, words, caption, head, body }: Figure): void {
  const figure = element(id)
  figure.hidden = !chart
  const picture = figure.querySelector<HTMLElement>('.picture')!
  picture.replaceChildren()
  if (!chart) return
  const width = Math.max(280, picture.clientWidth)
  picture.innerHTML = withVariables(drawCurves(chart, { width, height: Math.round(Math.max(280, width / 2)) }))
  const svg = picture.querySelector('svg')!
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', `${caption}: ${words.join('; ')}.`)
  figure.querySelector('.numbers')!.replaceChildren(table(caption, head, body))
}
