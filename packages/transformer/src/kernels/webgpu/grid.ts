// Shapes of dispatches, and WGSL that goes with them.
import { wgsl } from './wgsl.js'

/** WebGPU's least limit of workgroups a dimension. */
const MOST = 65535

/** `count` workgroups in two dimensions. */
export const workgroups = (count: number): [number, number] => [Math.min(count, MOST), Math.ceil(count / MOST)]

const builtins =
  '@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) thread: u32'

/** One thread for each of `u.size` elements `i`; {@link flatWorkgroups} of them. */
export const flat = (body: string) => wgsl`
@compute @workgroup_size(256)
fn main(${builtins}) {
  let i = (group.y * groups.x + group.x) * 256u + thread;
  if (i >= u.size) { return; }
  ${body}
}`
export const flatWorkgroups = (size: number) => workgroups(Math.ceil(size / 256))

/** 64 threads for each `row` of `u.rows`; `sum64(x, thread)` adds over them. */
export const byRow = (body: string) => wgsl`
var<workgroup> partial: array<f32, 64>;
fn sum64(x: f32, thread: u32) -> f32 {
  workgroupBarrier();
  partial[thread] = x;
  for (var half = 32u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { partial[thread] += partial[thread + half]; }
  }
  workgroupBarrier();
  return partial[0];
}
@compute @workgroup_size(64)
fn main(${builtins}) {
  let row = group.y * groups.x + group.x;
  if (row >= u.rows) { return; }
  ${body}
}`

/** 16 columns at a time, 16 threads down each: `sum` (vec2f) of `term` over rows, then `write` of a `column`. */
export const byColumn = (term: string, write: string) => wgsl`
var<workgroup> partial: array<vec2f, 256>;
@compute @workgroup_size(256)
fn main(${builtins}) {
  let column = group.x * 16u + thread % 16u;
  var sum = vec2f();
  if (column < u.columns) {
    for (var row = thread / 16u; row < u.rows; row += 16u) { ${term} }
  }
  partial[thread] = sum;
  workgroupBarrier();
  if (thread < 16u && column < u.columns) {
    for (var i = 16u + thread; i < 256u; i += 16u) { sum += partial[i]; }
    ${write}
  }
}`
export const columnWorkgroups = (columns: number): [number, number] => [Math.ceil(columns / 16), 1]
