import { type Outcome, titleOf } from '../outcome.js'
import { element, make } from './elements.js'

/** Shows what the models wrote. */
export function showTexts(outcomes: readonly Outcome[]): void {
  const written = outcomes.filter(({ text }) => text)
  const figures = written.map(({ strategy, text }) =>
    make('figure', {}, make('figcaption', {}, make('h3', {}, titleOf(strategy))), make('pre', {}, text)),
  )
  element('texts').replaceChildren(...figures)
}
