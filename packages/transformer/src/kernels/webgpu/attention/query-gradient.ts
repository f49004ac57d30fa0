// The gradient of queries, and of slopes.

import { wgsl } from '../wgsl.js'
import { FOUR, inputs, products, score, shared } from './backward.js'
import type { BiasShape } from './bias.js'
import { skipCode } from './bounds.js'
import { accumulate, declareSums, repeat, type TileShape, writeRows, writer, writeWeights } from './tiles.js'

/** @param trainSlopes - whether to write Σ −distance·dScore of each tile of queries, of which slopes' gradients are sums */
export const queryGradientCode = (shape: TileShape, bias: BiasShape, trainSlopes: boolean) => wgsl`
${inputs(shape, bias)}
${writer('dq', shape.packed ? 'dqkv' : 'dq', 'q', 'qOffset', 'numQueries')}
${skipCode(bias)}
${shared}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) index: u32) {
  initThread(index, group.y);
  let tile = u.queryTiles - 1u - group.x;
  let query = tile * T;
  let past = u.numKeys - u.numQueries;
  let numKeys = min(query + T, u.numQueries) + past;
  ${repeat(4, (r) => `let stat${r} = statsOf(query + 4u * ty + ${r}u);`)}
  ${declareSums(shape, 'o')}
  var onSlope = 0.0;
  for (var key = seenFrom(0u, query + past); key < numKeys; key = seenFrom(key + T, query + past)) {
    if (skips(group.y, tile, key / T)) { continue; }
    ${products(shape, 'queries')}
    ${repeat(4, (r) => score(r, `vec4u(query + past + 4u * ty + ${r}u)`, `vec4u(key + 4u * tx) + ${FOUR}`, [`stat${r}.x`, `stat${r}.y`, `stat${r}.z`]))}
    ${
      trainSlopes
        ? repeat(
            4,
            (r) =>
              `onSlope -= dot(g${r}, distance4(vec4u(query + past + 4u * ty + ${r}u), vec4u(key + 4u * tx) + ${FOUR}));`,
          )
        : ''
    }
    ${writeWeights('g')}
    workgroupBarrier();
    let count = min(T, u.numKeys - key);
    ${accumulate(shape, 'o', 'load_k', 'key', 'count')}
  }
  ${writeRows(shape, 'o', 'write_dq', 'query', () => 'SCALE')}
  ${
    trainSlopes
      ? `workgroupBarrier();
  weights[index].x = onSlope;
  workgroupBarrier();
  if (index == 0u) {
    for (var i = 1u; i < THREADS; i++) { onSlope += weights[i].x; }
    onSlopes[bh * u.queryTiles + tile] = onSlope;
  }`
      : ''
  }
}
`
