// Rows that are picked, by strategy and train length, in all tables and pictures at once.
for (const form of document.querySelectorAll('form.pick')) offerPicking(form)

function offerPicking(form) {
  const boxes = [...form.querySelectorAll('input')]
  const shown = document.querySelector('.picked')
  const names = [...new Set(boxes.map(({ name }) => name))]
  const describe = (name) => {
    const picked = boxes.filter((box) => box.name === name && box.checked).map(({ value }) => value)
    return `${name === 'train-length' ? 'trained at ' : ''}${picked.join(', ')}`
  }
  const apply = () => {
    const off = new Map()
    for (const name of names) {
      const own = boxes.filter((box) => box.name === name)
      // With none there would be nothing to see: that is how all of them come back.
      if (!own.some(({ checked }) => checked)) for (const box of own) box.checked = true
      off.set(name, new Set(own.filter(({ checked }) => !checked).map(({ value }) => value)))
    }
    showPicked((element) => names.some((name) => off.get(name).has(element.getAttribute(`data-${name}`))))
    const isAll = boxes.every(({ checked }) => checked)
    shown.hidden = isAll
    shown.textContent = isAll ? '' : `Shown: ${names.map(describe).join('; ')}. Marks and verdicts count all rows.`
    form.querySelector('button').disabled = isAll
  }
  form.hidden = false
  form.addEventListener('change', apply)
  form.addEventListener('submit', (event) => event.preventDefault())
  // After the boxes have been reset.
  form.addEventListener('reset', () => setTimeout(apply))
  apply()
}

/** @param isOff - whether an element with tags is of a row that is not picked */
function showPicked(isOff) {
  for (const element of document.querySelectorAll('main :is([data-strategy], [data-train-length])'))
    element.classList.toggle('off', isOff(element))
  for (const table of document.querySelectorAll('main table')) {
    const [heads, ...rows] = [...table.rows]
    ;[...heads.cells].forEach((head, column) => {
      if (head.dataset.strategy === undefined && head.dataset.trainLength === undefined) return
      for (const row of rows) row.cells[column].classList.toggle('off', isOff(head))
    })
  }
  for (const svg of document.querySelectorAll('.picture > svg[data-columns]')) arrange(svg)
  for (const picture of document.querySelectorAll('.picture')) picture.dispatchEvent(new Event('redrawn'))
}

/** Lays out the panels of a picture that are shown: those beside another go without its y axis. */
function arrange(svg) {
  const shown = [...svg.querySelectorAll('svg')].filter((panel) => !panel.matches('.off'))
  if (!shown.length) return
  const axis = Number(svg.dataset.axis)
  const columns = Math.min(Number(svg.dataset.columns), shown.length)
  const width = Number(shown[0].dataset.width)
  const height = Number(shown[0].getAttribute('height'))
  shown.forEach((panel, i) => {
    const [column, row] = [i % columns, Math.floor(i / columns)]
    const left = column ? axis : 0
    const place = { x: column * (width - axis) + left, y: row * height, width: width - left }
    for (const [name, value] of Object.entries(place)) panel.setAttribute(name, value)
    panel.setAttribute('viewBox', `${left} 0 ${width - left} ${height}`)
  })
  const whole = width + (columns - 1) * (width - axis)
  svg.setAttribute('viewBox', `0 0 ${whole} ${Math.ceil(shown.length / columns) * height}`)
  // One panel alone would fill the page with letters of twice the size.
  svg.style.maxWidth = `${1.4 * whole}px`
}
