// What the page does beyond being read: values under the pointer or by arrow keys, and figures to save.
for (const figure of document.querySelectorAll('figure')) enhance(figure)

/** Pictures and numbers may be replaced afterwards; `redrawn` on the picture says so. */
function enhance(figure) {
  const picture = figure.querySelector('.picture')
  const rows = () =>
    [...figure.querySelectorAll('table tr')].map((row) => [...row.cells].map((cell) => cell.textContent))
  if (picture.querySelector('[data-column]')) showValues(picture, rows)
  offerFiles(figure, picture, rows)
}

/** A box with the values at the nearest point of the x axis, and a mark on the nearest curve. */
function showValues(picture, rows) {
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
  let [at, column] = [-1, 1]
  let [head, ...body] = rows()

  const hide = () => {
    box.hidden = true
    picture.classList.remove('shown')
    at = -1
  }
  const show = (places, xs, speak) => {
    const here = places.filter(({ x }) => x === xs[at])
    const { x, y } = here.find((place) => place.column === column) ?? here[0]
    const frame = picture.getBoundingClientRect()
    const list = document.createElement('ul')
    for (const place of here.toSorted((a, b) => a.y - b.y)) {
      const item = document.createElement('li')
      item.textContent = `${head[place.column]} ${body[at][place.column]}`
      item.style.color = place.colour
      item.className = place.column === column ? 'nearest' : ''
      list.append(item)
    }
    box.replaceChildren(`${head[0]} ${body[at][0]}`, list)
    box.hidden = false
    picture.classList.add('shown')
    line.style.left = dot.style.left = `${x}px`
    dot.style.top = `${y}px`
    box.style.left = `${Math.max(0, Math.min(x + 14, frame.width - box.offsetWidth))}px`
    if (x + 14 + box.offsetWidth > frame.width) box.style.left = `${Math.max(0, x - 14 - box.offsetWidth)}px`
    if (speak) spoken.textContent = `${head[0]} ${body[at][0]}: ${head[column]} ${body[at][column]}`
  }
  const nearest = (list, distance) => list.reduce((best, each) => (distance(each) < distance(best) ? each : best))

  picture.addEventListener('pointermove', ({ clientX, clientY }) => {
    const places = placesIn(picture)
    const xs = columnsOf(places)
    if (xs.length !== body.length) return
    const frame = picture.getBoundingClientRect()
    const [px, py] = [clientX - frame.left, clientY - frame.top]
    at = xs.indexOf(nearest(xs, (x) => Math.abs(x - px)))
    const here = places.filter(({ x }) => x === xs[at])
    column = nearest(here, ({ y }) => Math.abs(y - py)).column
    show(places, xs, false)
  })
  picture.addEventListener('redrawn', () => {
    ;[head, ...body] = rows()
    const places = placesIn(picture)
    const xs = columnsOf(places)
    if (xs[at] === undefined || xs.length !== body.length) hide()
    else show(places, xs, false)
  })
  picture.addEventListener('pointerleave', hide)
  picture.addEventListener('blur', hide)
  picture.addEventListener('keydown', (event) => {
    const places = placesIn(picture)
    const xs = columnsOf(places)
    if (event.key === 'Escape') return hide()
    if (xs.length !== body.length) return
    const move = { ArrowLeft: -1, ArrowRight: 1, Home: -xs.length, End: xs.length }[event.key]
    const turn = { ArrowUp: -1, ArrowDown: 1 }[event.key]
    if (move === undefined && turn === undefined) return
    event.preventDefault()
    at = Math.max(0, Math.min(xs.length - 1, at + (move ?? 0)))
    if (turn) {
      const here = places.filter(({ x }) => x === xs[at]).toSorted((a, b) => a.y - b.y)
      const index = here.findIndex((place) => place.column === column) + turn
      column = here[Math.max(0, Math.min(here.length - 1, index))].column
    }
    show(places, xs, true)
  })
}

/** Where the points of the visible curves are, in pixels of the page. */
function placesIn(picture) {
  const svg = [...picture.querySelectorAll('svg')].find((each) => each.getClientRects().length)
  const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width
  return [...svg.querySelectorAll('[data-column]')].flatMap((path) =>
    [...path.getAttribute('d').matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => ({
      x: Math.round(x * scale),
      y: y * scale,
      column: Number(path.dataset.column),
      colour: path.getAttribute('stroke'),
    })),
  )
}

const columnsOf = (places) => [...new Set(places.map(({ x }) => x))].sort((a, b) => a - b)

/** Buttons that save the picture and its numbers. */
function offerFiles(figure, picture, rows) {
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
    rows()
      .map((row) => row.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(','))
      .join('\r\n')
  const svg = () => {
    const style = getComputedStyle(document.documentElement)
    const text = new XMLSerializer().serializeToString(picture.querySelector('svg'))
    return text
      .replaceAll(/var\((--[\w-]+)\)/g, (_, name) => style.getPropertyValue(name))
      .replace('>', '><style>text{font:13px Inter,system-ui,sans-serif;dominant-baseline:central}</style>')
  }
  const files = document.createElement('p')
  files.append(button('Save as SVG', 'image/svg+xml', 'svg', svg), ' ', button('Save as CSV', 'text/csv', 'csv', csv))
  figure.querySelector('details').append(files)
}
