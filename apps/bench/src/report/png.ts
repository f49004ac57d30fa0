import { createRequire } from 'node:module'
import { renderAsync } from '@resvg/resvg-js'

const require = createRequire(import.meta.url)

const font = {
  fontFiles: [
    require.resolve('@expo-google-fonts/inter/400Regular/Inter_400Regular.ttf'),
    require.resolve('@expo-google-fonts/inter/700Bold/Inter_700Bold.ttf'),
  ],
  defaultFontFamily: 'Inter',
  loadSystemFonts: false,
}

/** Pixels for each of the picture's own: sharp in print and on dense screens. */
const SCALE = 2

/** An SVG picture as PNG, drawn without a browser; letters are Inter's, so that every machine draws the same. */
export const png = async (svg: string): Promise<Uint8Array> =>
  (await renderAsync(svg, { fitTo: { mode: 'zoom', value: SCALE }, font })).asPng()
