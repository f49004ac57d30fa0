// What a page shows, bundled by Vite.
import { alibi } from '@alibi/alibi'
import { positionRange, reference, scoreBias } from '@alibi/core'

const { bias } = alibi({ numHeads: 8 })
const tile = scoreBias(reference, bias, {}, positionRange(3, 1), positionRange(0, 4))
document.body.textContent = Array.from(tile.data.slice(0, 4)).join(' ')
