// On paper nothing can be unfolded: it is before, and folded again afterwards.
const unfolded = []
addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('details:not([open], .long)')) {
    details.open = true
    unfolded.push(details)
  }
})
addEventListener('afterprint', () => {
  for (const details of unfolded.splice(0)) details.open = false
})
