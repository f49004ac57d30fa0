import { alibi, alibiSlopes } from '@alibi/alibi'
import { byLayer, checkInteger } from '@alibi/core'

export interface SlopesByLayerOptions {
  readonly numHeads: number
  /** After so many the slopes start again. Default 4. */
  readonly numLayers?: number
}

/** ALiBi whose fixed slopes are halved from each layer to the next: low layers read near, high ones far. */
export function slopesByLayer({ numHeads, numLayers = 4 }: SlopesByLayerOptions) {
  checkInteger('slopesByLayer', 'numLayers', numLayers, 1)
  const slopes = (layer: number) => alibiSlopes(numHeads).map((slope) => slope / 2 ** layer)
  return byLayer((layer) => alibi({ numHeads, slopes: slopes(layer) }), { name: 'slopes-by-layer', numLayers })
}
