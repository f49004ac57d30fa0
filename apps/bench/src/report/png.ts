import { createRequire } from 'node:module'

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

/**
 * Draws SVG pictures as PNG, without a browser; letters are Inter's, so that every machine draws the same. Undefined, and a line
 * that says so, where the drawing library has no binary: training is not lost for it.
 */
export async function loadPng(): Promise<((svg: string) => Promise<Uint8Array>) | undefined> {
  try {
    const { renderAsync } = await import('@resvg/resvg-js')
    return async (svg) => (await renderAsync(svg, { fitTo: { mode: 'zoom', value: SCALE }, font })).asPng()
  } catch (error) {
    const [why] = (error as Error).message.split('\n')
    console.error(
      `no PNG files in figures/, SVG alone: @resvg/resvg-js does not load on ${process.platform} ${process.arch} (${why})`,
    )
  }
}
