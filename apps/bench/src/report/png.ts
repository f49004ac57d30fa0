import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { initWasm, Resvg } from '@resvg/resvg-wasm'

const require = createRequire(import.meta.url)

const FONTS = [
  require.resolve('@expo-google-fonts/inter/400Regular/Inter_400Regular.ttf'),
  require.resolve('@expo-google-fonts/inter/700Bold/Inter_700Bold.ttf'),
]

/** Pixels for each of the picture's own: sharp in print and on dense screens. */
const SCALE = 2

/** Turns SVG pictures into PNG files without a browser; letters are Inter's, so that every machine draws the same. */
export async function pngRenderer(): Promise<(svg: string) => Uint8Array> {
  ready ??= readFile(require.resolve('@resvg/resvg-wasm/index_bg.wasm')).then(initWasm)
  await ready
  const fontBuffers = await Promise.all(FONTS.map((file) => readFile(file)))
  return (svg) => {
    const picture = new Resvg(svg, {
      fitTo: { mode: 'zoom', value: SCALE },
      font: { fontBuffers, defaultFontFamily: 'Inter', loadSystemFonts: false },
    })
    const png = picture.render().asPng()
    picture.free()
    return png
  }
}

/** The WebAssembly module can be set up once a process. */
let ready: Promise<void> | undefined
