// Keeps the page as the folder is. What a person has opened, focused or scrolled to stays.
const status = document.querySelector('#status')
const source = new EventSource(`events${location.search}`)

source.addEventListener('message', ({ data }) => {
  const { status: text, whole, cells, rest, sections, figures } = JSON.parse(data)
  // A text that is read aloud whenever it changes.
  if (status.textContent !== text) status.textContent = text
  if (whole !== undefined) document.querySelector('#whole').replaceChildren(parse(whole))
  if (cells !== undefined) showTable(document.querySelector('#cells'), cells)
  if (rest !== undefined) showTable(document.querySelector('#rest'), rest)
  for (const [section, ids] of Object.entries(sections))
    showFigures(document.querySelector(`#${section} .figures`), ids, figures)
})
source.addEventListener('error', () => {
  status.textContent = 'No connection: bench watch has ended, or was begun again elsewhere. Trying again.'
})

function parse(html) {
  const template = document.createElement('template')
  template.innerHTML = html
  return template.content
}

/** Leaves open what was opened, and where it was scrolled to. */
function showTable(place, html) {
  const next = parse(html)
  for (const part of ['summary', 'table']) {
    const [shown, fresh] = [place.querySelector(part), next.querySelector(part)]
    if (shown && fresh) shown.replaceWith(fresh)
    else if (shown || fresh) return place.replaceChildren(parse(html))
  }
  if (!place.querySelector('table')) place.replaceChildren(next)
}

/** @param html - of those that are new or have changed, by id */
function showFigures(place, ids, html) {
  for (const figure of [...place.children]) if (!ids.includes(figure.id)) figure.remove()
  ids.forEach((id, i) => {
    const shown = document.getElementById(id)
    if (shown && html[id]) update(shown, parse(html[id]).firstElementChild)
    else if (!shown) {
      place.insertBefore(parse(html[id]), place.children[i] ?? null)
      enhance(document.getElementById(id))
    }
  })
}

function update(figure, next) {
  const picture = figure.querySelector('.picture')
  for (const svg of picture.querySelectorAll('svg')) svg.remove()
  picture.prepend(...next.querySelectorAll('.picture svg'))
  for (const part of ['figcaption', '.caption', '.unseen[id]', 'table'])
    figure.querySelector(part).replaceWith(next.querySelector(part))
  picture.dispatchEvent(new Event('redrawn'))
}
