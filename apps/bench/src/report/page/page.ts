import { escapeHtml, htmlDocument, htmlFigure, narrowHtmlFigure } from '@alibi/charts/page'
import { type Results, rowsOf } from '@alibi/results'
import { resultsByTask } from '../by-task.js'
import type { ReportFigures } from '../figures/all.js'
import { dataSection, facts, settingsSection } from './about.js'
import { paperSection } from './paper.js'
import { pickBar } from './pick.js'
import { reachList } from './reach.js'
import { findingsSection, resultsSection } from './results.js'
import { tasksSection } from './tasks.js'

/** The report as one HTML page that needs no network: for phones, dark rooms, paper, keyboards and screen readers. */
export function htmlReport(results: Results, figures: ReportFigures): string {
  const sections = sectionsOf(results, figures).filter(({ content }) => content)
  const links = sections.map(({ id, title }) => `<li><a href="#${id}">${title}</a>`)
  const body = `<a class="skip" href="#results">Skip to the results</a>
<header>
<h1>Train short, test long</h1>
<nav aria-label="Contents"><ol>${links.join('')}</ol></nav>
</header>
${pickBar(rowsOf(resultsByTask(results)[0]!.results))}
<main>
${sections.map(({ id, title, content }) => `<section id="${id}" aria-labelledby="${id}-heading">\n<h2 id="${id}-heading">${title}</h2>\n${content}\n</section>`).join('\n')}
</main>`
  return htmlDocument({ title: 'Train short, test long', body })
}

interface Section {
  readonly id: string
  readonly title: string
  /** HTML; empty where the run has nothing to show. */
  readonly content: string
}

function sectionsOf(results: Results, figures: ReportFigures): Section[] {
  const all = (list: ReportFigures[keyof ReportFigures]) => list.map(htmlFigure).join('\n')
  const parts = resultsByTask(results)
  const several = parts.length > 1
  // Results of tasks or of contexts alone have no perplexities.
  const ofText = results.evals.length > 0 || !(results.tasks.length || results.contexts.length)
  const [first, others] = [figures.perplexity.slice(0, 1), figures.perplexity.slice(1)]
  return [
    { id: 'picture', title: 'How far each strategy reads', content: `${all(first)}${reachList(results)}` },
    {
      id: 'findings',
      title: 'What the paper found, and whether it holds here',
      content: ofText ? findingsSection(results) : '',
    },
    { id: 'results', title: 'Results', content: ofText ? resultsSection(results) : tasksSection(results) },
    { id: 'extrapolation', title: 'Extrapolation', content: all([...figures.shortAndLong, ...others]) },
    { id: 'positions', title: 'Loss by position', content: all(figures.positions) },
    { id: 'retrieval', title: 'Retrieval', content: all(figures.retrieval) },
    { id: 'tasks', title: 'Tasks', content: `${ofText ? tasksSection(results) : ''}${all(figures.tasks)}` },
    { id: 'context', title: 'What the far context is worth', content: all(figures.contexts) },
    {
      id: 'cost',
      title: 'Cost',
      content: `${several ? `<p class="caption">Costs of the models that were trained on ${escapeHtml(parts[0]!.trainedOn ?? 'a text')}; those of other tasks are alike.` : ''}<div class="beside">${figures.cost.map(narrowHtmlFigure).join('\n')}</div>${all(figures.training)}`,
    },
    { id: 'biases', title: 'What the strategies add to scores', content: all(figures.biases) },
    { id: 'paper', title: 'The paper’s numbers', content: ofText ? paperSection(results, figures.courses) : '' },
    { id: 'settings', title: 'Settings, to repeat it', content: `${facts(results)}${settingsSection(results)}` },
    { id: 'data', title: 'Data', content: dataSection(results) },
  ]
}
