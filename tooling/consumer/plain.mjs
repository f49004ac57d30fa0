// Plain JavaScript, as a module.
import { alibi } from '@alibi/alibi'
import { positionRange, reference, scoreBias } from '@alibi/core'

const { bias } = alibi({ numHeads: 8 })
export const report = scoreBias(reference, bias, {}, positionRange(3, 1), positionRange(0, 4)).data.slice(0, 4)
