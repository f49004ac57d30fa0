// What the page does beyond being read: values at the pointer, a finger or by arrow keys, and figures to save.
for (const figure of document.querySelectorAll('figure')) enhance(figure)

/** Pictures and numbers may be replaced afterwards; `redrawn` on the picture says so. */
function enhance(figure) {
  const picture = figure.querySelector('.picture')
  if (picture.querySelector('[data-column], [data-row]')) showValues(picture, () => figure.querySelector('table'))
  offerFiles(figure, picture)
}

/** What shows values on a picture: a box, a line across the panel, a mark on the point, and words for screen readers. */
function addBox(picture) {
  const box = document.createElement('div')
  box.className = 'values'
  box.hidden = true
  const spoken = document.createElement('output')
  spoken.className = 'unseen'
  const line = document.createElement('i')
  const dot = document.createElement('b')
  picture.append(line, dot, box, spoken)
  picture.tabIndex = 0
  picture.setAttribute('role', 'group')
  picture.setAttribute(
    'aria-label',
    'Values: left and right arrow keys move along the axis, up and down between curves',
  )
  return { box, spoken, line, dot }
}

/** Shows a point's value, and those at the same place, where there is room. */
function fillBox(picture, table, place, places, { box, line, dot }) {
  const { head, text } = wordsOf(table, place)
  const list = document.createElement('ul')
  for (const each of places.filter((other) => isAt(other, place)).toSorted((a, b) => a.y - b.y)) {
    const item = document.createElement('li')
    const isCurrent = each.column === place.column
    item.textContent = isCurrent ? text : wordsOf(table, each).value
    item.style.color = each.colour
    item.className = isCurrent ? 'nearest' : ''
    list.append(item)
  }
  box.replaceChildren(head, list)
  box.hidden = false
  picture.classList.add('shown')
  const panel = within(picture, place.panel.getBoundingClientRect())
  line.hidden = place.isBar
  Object.assign(line.style, { left: `${place.x}px`, top: `${panel.y}px`, height: `${panel.height}px` })
  Object.assign(dot.style, { left: `${place.x}px`, top: `${place.y}px` })
  const { width } = picture.getBoundingClientRect()
  const right = place.x + 14
  const left = right + box.offsetWidth > width ? place.x - 14 - box.offsetWidth : right
  Object.assign(box.style, { left: `${Math.max(0, left)}px`, top: `${panel.y}px` })
  return `${head}: ${text}`
}

/** The values at the nearest point of the x axis, with a mark on the nearest curve or bar. */
function showValues(picture, tableOf) {
  const parts = addBox(picture)
  /** The point that is shown. */
  let current

  const hide = () => {
    parts.box.hidden = true
    picture.classList.remove('shown')
    current = undefined
  }
  const show = (place, places, speak) => {
    current = place
    const words = fillBox(picture, tableOf(), place, places, parts)
    if (speak) parts.spoken.textContent = words
  }
  const point = ({ clientX, clientY }) => {
    const places = placesIn(picture)
    if (!places.length) return hide()
    const frame = picture.getBoundingClientRect()
    const [x, y] = [clientX - frame.left, clientY - frame.top]
    const { panel } = nearest(places, (place) => distanceTo(within(picture, place.panel.getBoundingClientRect()), x, y))
    const own = places.filter((place) => place.panel === panel)
    const at = nearest(own, (place) => (place.isBar ? Math.abs(place.y - y) : Math.abs(place.x - x)))
    const here = own.filter((place) => isAt(place, at))
    show(
      nearest(here, (place) => Math.abs(place.y - y)),
      places,
      false,
    )
  }
  picture.addEventListener('pointermove', point)
  picture.addEventListener('pointerdown', point)
  picture.addEventListener('pointerleave', ({ pointerType }) => pointerType === 'mouse' && hide())
  picture.addEventListener('blur', hide)
  picture.addEventListener('redrawn', () => {
    const places = placesIn(picture)
    const same = current && places.find((place) => isAt(place, current) && place.column === current.column)
    if (same) show(same, places, false)
    else hide()
  })
  picture.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') return hide()
    const places = placesIn(picture)
    const next = places.length && nextPlace(places, current, event.key)
    if (!next) return
    event.preventDefault()
    show(next, places, true)
  })
}

const nearest = (list, distance) => list.reduce((best, each) => (distance(each) < distance(best) ? each : best))

/** Whether two points are above each other in one panel, or two bars the same. */
const isAt = (a, b) => a.row === b.row && a.name === b.name

/** Where an arrow key leads; undefined for other keys. */
function nextPlace(places, current, key) {
  const stops = places.filter((place, i) => places.findIndex((other) => isAt(other, place)) === i)
  const at = stops.findIndex((stop) => current && isAt(stop, current))
  const turn = { ArrowUp: -1, ArrowDown: 1 }[key]
  if (turn && current && !current.isBar) {
    const here = places.filter((place) => isAt(place, current)).toSorted((a, b) => a.y - b.y)
    const index = here.findIndex(({ column }) => column === current.column) + turn
    return here[Math.max(0, Math.min(here.length - 1, index))]
  }
  const move = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1, Home: -stops.length, End: stops.length }[key]
  if (move === undefined) return undefined
  const stop = stops[Math.max(0, Math.min(stops.length - 1, at + move))]
  return places.find((place) => isAt(place, stop) && place.column === current?.column) ?? stop
}

/** What a point's cell of the figure's table says: its value, and with its spread and seeds. */
function wordsOf(table, { row, column }) {
  const [heads, ...rows] = [...table.rows]
  const { cells } = rows[row]
  const value = `${heads.cells[column].textContent}: ${cells[column].textContent}`
  const { note } = cells[column].dataset
  const head = `${heads.cells[0].textContent} ${cells[0].textContent}`
  return { head, value, text: note ? `${value} (${note})` : value }
}

/** A rectangle of the window, in pixels of the picture. */
function within(picture, { left, top, width, height }) {
  const frame = picture.getBoundingClientRect()
  return { x: left - frame.left, y: top - frame.top, width, height }
}

const distanceTo = ({ x, y, width, height }, px, py) =>
  Math.max(0, x - px, px - x - width) + Math.max(0, y - py, py - y - height)

/** Where the points of the visible curves, or the ends of the visible bars, are, in pixels of the picture; in reading order. */
function placesIn(picture) {
  const frame = picture.getBoundingClientRect()
  const isShown = (element) => element.getClientRects().length && !element.matches('.off')
  const shown = [...picture.querySelectorAll('[data-column], [data-row]')].filter(isShown)
  const panels = [...picture.querySelectorAll('svg')]
  const places = shown.flatMap((element) => {
    const panel = element.closest('svg')
    const { a, d, e, f } = element.getScreenCTM()
    const at = ([x, y], row, column, colour) => ({
      x: Math.round(a * x + e - frame.left),
      y: d * y + f - frame.top,
      row,
      column,
      colour,
      panel,
      name: panels.indexOf(panel),
      isBar: element.dataset.row !== undefined,
    })
    if (element.dataset.row !== undefined) {
      const { x, y, width, height } = element.getBBox()
      return [at([x + width, y + height / 2], Number(element.dataset.row), 1, '')]
    }
    const rows = element.dataset.rows?.split(' ').map(Number)
    return pointsOf(element.getAttribute('d')).map(([x, y], i) =>
      at([x, y], rows ? (rows[i] ?? rows.at(-1)) : i, Number(element.dataset.column), element.getAttribute('stroke')),
    )
  })
  return places.toSorted((a, b) => a.name - b.name || (a.isBar ? a.y - b.y : a.x - b.x))
}

/** The points of a line: `M` to the first, then `l` by so much to each. */
function pointsOf(line) {
  const [x = 0, y = 0, ...moves] = (line.match(/-?\d*\.?\d+/g) ?? []).map(Number)
  const points = [[x, y]]
  for (let i = 0; i + 1 < moves.length; i += 2)
    points.push([points.at(-1)[0] + moves[i], points.at(-1)[1] + moves[i + 1]])
  return points
}

/** Buttons that save the picture and its numbers. */
function offerFiles(figure, picture) {
  const button = (text, type, suffix, content) => {
    const element = document.createElement('button')
    element.type = 'button'
    element.textContent = text
    element.addEventListener('click', () => {
      const link = document.createElement('a')
      link.href = URL.createObjectURL(new Blob([content()], { type }))
      link.download = `${figure.id}.${suffix}`
      link.click()
      URL.revokeObjectURL(link.href)
    })
    return element
  }
  const csv = () =>
    [...figure.querySelectorAll('table tr')]
      .map((row) => [...row.cells].map((cell) => cell.textContent))
      .map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(','))
      .join('\r\n')
  const svg = () => {
    const style = getComputedStyle(document.documentElement)
    const shown = picture.querySelector('svg').cloneNode(true)
    for (const element of shown.querySelectorAll('.off')) element.remove()
    const text = new XMLSerializer().serializeToString(shown)
    return text
      .replaceAll(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name))
      .replace('>', '><style>text{font:13px Inter,system-ui,sans-serif;dominant-baseline:central}</style>')
  }
  const files = document.createElement('p')
  files.append(button('Save as SVG', 'image/svg+xml', 'svg', svg), ' ', button('Save as CSV', 'text/csv', 'csv', csv))
  figure.querySelector('details').append(files)
}
