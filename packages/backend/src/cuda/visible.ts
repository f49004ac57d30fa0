/**
 * The GPU that computes, of those of a driver: CUDA_VISIBLE_DEVICES names it first, by its index.
 *
 * @param visible - CUDA_VISIBLE_DEVICES; unset means all GPUs, empty means none
 * @returns undefined where all are hidden
 */
export function visibleGpu<G extends { readonly index: number }>(
  gpus: readonly G[],
  visible: string | undefined = process.env.CUDA_VISIBLE_DEVICES,
): G | undefined {
  if (visible === undefined) return gpus[0]
  const first = visible.split(',')[0]!.trim()
  if (first === '') return undefined
  // A name that is no index, such as GPU-8932f937, is one of them too.
  return /^-?\d+$/.test(first) ? gpus.find(({ index }) => index === Number(first)) : gpus[0]
}
