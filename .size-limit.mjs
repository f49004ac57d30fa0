// What the packages weigh in somebody's bundle, minified and gzipped. A strategy's own weight is without core's.
const ALONE = ['alibi', 'cope', 'fire', 'forgetting', 'kerple', 'sandwich', 'sinusoidal', 't5-bias', 'transformer-xl']

const ignore = ['@alibi/core']

/**
 * @param {string} name
 * @param {string} folder
 * @param {string} limit
 */
const weight = (name, folder, limit, what = '*') => ({
  name,
  path: `packages/${folder}/dist/index.js`,
  import: what,
  gzip: true,
  limit,
})

export default [
  weight('@alibi/core, everything but conformance', 'core', '10 kB'),
  weight('@alibi/core, positionRange alone', 'core', '600 B', '{ positionRange }'),
  ...ALONE.map((folder) => ({ ...weight(`@alibi/${folder}`, folder, '1.2 kB'), ignore })),
  { ...weight('@alibi/streaming, streaming', 'streaming', '1.2 kB', '{ streaming }'), ignore },
  { ...weight('@alibi/streaming, windows and sink logits', 'streaming', '600 B', '{ windowed, sinkLogit }'), ignore },
  { ...weight('@alibi/rotary, rotary', 'rotary', '1 kB', '{ rotary }'), ignore },
  { ...weight('@alibi/rotary, xPos', 'rotary', '1 kB', '{ xPos }'), ignore },
  { ...weight('@alibi/rotary, all with its scalings and layers', 'rotary', '3 kB'), ignore },
  weight('@alibi/alibi with what it uses of core', 'alibi', '3.7 kB'),
]
