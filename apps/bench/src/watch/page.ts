import { readFileSync } from 'node:fs'
import { escapeHtml, htmlDocument } from '@alibi/charts/page'
import { type SectionId, sections, type View } from './view.js'

/** How many lines a point of the loss may be the mean of. */
const MEANS = [1, 5, 15]

/** Lines that a point of the loss is the mean of, as a page's address asks for. */
export const lastOf = (address: URL): number => {
  const asked = Number(address.searchParams.get('mean'))
  return MEANS.includes(asked) ? asked : 1
}

/** The page as it is now; its script keeps it so. */
export function watchPage(name: string, view: View, last: number): string {
  const links = MEANS.map((mean) => {
    const text = mean === 1 ? 'as written' : `mean of the last ${mean} lines`
    return `<li><a href="?mean=${mean}"${mean === last ? ' aria-current="true"' : ''}>${text}</a>`
  })
  const content = (id: SectionId) => view.sections[id]!.map(([, html]) => html).join('\n')
  const section = (id: SectionId) =>
    `<section id="${id}" aria-labelledby="${id}-heading"><h2 id="${id}-heading">${sections[id]}</h2>
${id === 'loss' ? `<nav aria-label="Smoothing"><ol>${links.join('')}</ol></nav>` : ''}<div class="figures">${content(id)}</div></section>`
  const body = `<header>
<h1>Train short, test long: live</h1>
<p>${escapeHtml(name)}
<p id="status" role="status">${escapeHtml(view.status)}</p>
<p id="whole">${view.whole}</p>
<noscript><p class="note">Without scripts this page stays as it is; load it again to see more.</noscript>
</header>
<main>
<section aria-label="Cells"><div id="cells">${view.cells}</div><div id="rest">${view.rest}</div></section>
${(Object.keys(view.sections) as SectionId[]).map(section).join('\n')}
</main>`
  return htmlDocument({
    title: `${name.split(/[/\\]/).at(-1)}: live`,
    body,
    style: asset('watch.css'),
    script: asset('watch.js'),
  })
}

const asset = (name: string) => readFileSync(new URL(`../../assets/${name}`, import.meta.url), 'utf8')
