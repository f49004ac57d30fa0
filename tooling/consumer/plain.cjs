// Plain JavaScript, as CommonJS: Node ≥ 20.19 can require modules.
const { alibi } = require('@alibi/alibi')
const { positionRange, reference, scoreBias } = require('@alibi/core')

const { bias } = alibi({ numHeads: 8 })
exports.report = scoreBias(reference, bias, {}, positionRange(3, 1), positionRange(0, 4)).data.slice(0, 4)
