import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { linesOf, resultsText } from '@alibi/results'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium, NO_CHROMIUM } from '../../../tooling/chromium.mjs'
import { evaluationsCsv } from '../src/report/downloads.js'
import { reportFigures } from '../src/report/figures/all.js'
import { htmlReport } from '../src/report/page/page.js'
import { exampleResults } from './example-results.js'

const require = createRequire(import.meta.url)
const executablePath = findChromium()
/** Kept for people to look at. */
const screenshots = fileURLToPath(new URL('../screenshots/', import.meta.url))
const results = exampleResults()
const figures = reportFigures(results, new Map())
const html = htmlReport(results, figures)

let browser: Browser
beforeAll(async () => {
  if (!executablePath) return
  await mkdir(screenshots, { recursive: true })
  await writeFile(`${screenshots}report.html`, html)
  browser = await chromium.launch({ executablePath })
})
afterAll(() => browser?.close())

/** A page with the report, and all that went wrong on it. */
async function open(options: BrowserContextOptions): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage(options)
  const errors: string[] = []
  page.on('console', (message) => errors.push(message.text()))
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('request', (request) => errors.push(`request of ${request.url()}`))
  await page.setContent(html)
  return { page, errors }
}

const DESKTOP = { viewport: { width: 1280, height: 900 } }
const PHONE = { viewport: { width: 375, height: 812 } }

describe('the report in a browser', () => {
  it.for<[string, BrowserContextOptions]>([
    ['desktop', DESKTOP],
    ['dark', { ...DESKTOP, colorScheme: 'dark' }],
    ['phone', PHONE],
    ['phone-dark-without-scripts', { ...PHONE, colorScheme: 'dark', javaScriptEnabled: false }],
  ])('has every figure and curve, fits and logs no error: %s', async ([name, options], context) => {
    if (!executablePath) return context.skip(NO_CHROMIUM)
    const { page, errors } = await open(options)
    await page.screenshot({ path: `${screenshots}${name}.png`, fullPage: true })
    expect(errors).toEqual([])
    for (const { id, table } of Object.values(figures).flat()) {
      const picture = page.locator(`#${id} .picture svg:visible`)
      expect(await picture.count(), id).toBe(1)
      const curves = await picture.locator('[data-column]').count()
      if (curves) expect(curves, id).toBe(table.head.length - 1)
    }
    const { strategies } = results.run.config
    expect(await page.locator('#perplexity-128 .picture svg:visible [data-column]').count()).toBe(strategies.length)
    // More would scroll the whole page sideways.
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(options.viewport!.width)
    await page.close()
  })

  it.for<[string, BrowserContextOptions]>([
    ['light', DESKTOP],
    ['dark', { ...PHONE, colorScheme: 'dark' }],
  ])('breaks no rule of accessibility that a machine can check: %s', async ([, options], context) => {
    if (!executablePath) return context.skip(NO_CHROMIUM)
    const { page } = await open(options)
    await page.addScriptTag({ path: require.resolve('axe-core') })
    const { violations } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>('axe.run()')
    expect(
      violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`),
    ).toEqual([])
    await page.close()
  })

  it('shows values under the pointer and by arrow keys', async (context) => {
    if (!executablePath) return context.skip(NO_CHROMIUM)
    const { page, errors } = await open(DESKTOP)
    const picture = page.locator('#perplexity-128 .picture')
    const values = picture.locator('.values')
    const cell = async (row: number, column: number) =>
      (await page.locator('#perplexity-128 tbody tr').nth(row).locator('th, td').nth(column).textContent())!
    await picture.focus()
    await page.keyboard.press('ArrowRight')
    expect(await values.textContent()).toContain('evaluation length 128')
    await page.keyboard.press('End')
    expect(await values.textContent()).toContain(`sinusoidal ${await cell(4, 2)}`)
    // At the end curves are in the order of their losses: alibi, which is lowest, comes last.
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowDown')
    expect(await picture.locator('output').textContent()).toBe(`evaluation length 2,048: alibi ${await cell(4, 1)}`)
    await page.keyboard.press('Escape')
    expect(await values.isVisible()).toBe(false)
    const { width, height } = (await picture.boundingBox())!
    await picture.hover({ position: { x: width * 0.47, y: height * 0.9 } })
    expect(await values.textContent()).toContain('evaluation length 512')
    expect(await values.locator('.nearest').textContent()).toBe(`alibi ${await cell(2, 1)}`)
    await page.screenshot({ path: `${screenshots}values.png` })
    expect(errors).toEqual([])
    await page.close()
  })

  it('saves figures and data', async (context) => {
    if (!executablePath) return context.skip(NO_CHROMIUM)
    const { page } = await open(DESKTOP)
    const save = async (name: string, click: () => Promise<void>) => {
      const [download] = await Promise.all([page.waitForEvent('download'), click()])
      expect(download.suggestedFilename()).toBe(name)
      return readFile(await download.path())
    }
    await page.locator('#perplexity-128 summary').click()
    const button = (name: string) => page.locator('#perplexity-128').getByRole('button', { name }).click()
    const svg = (await save('perplexity-128.svg', () => button('Save as SVG'))).toString()
    expect(svg).toContain('#0063b1')
    expect(svg).not.toContain('var(')
    expect((await save('perplexity-128.csv', () => button('Save as CSV'))).toString()).toContain('"128","')
    const link = (name: string) => save(name, () => page.getByRole('link', { name, exact: true }).click())
    expect(gunzipSync(await link('results.jsonl.gz')).toString()).toBe(resultsText(linesOf(results)))
    expect((await link('evaluations.csv')).toString()).toBe(evaluationsCsv(results))
    await page.close()
  })

  it('prints in dark ink', async (context) => {
    if (!executablePath) return context.skip(NO_CHROMIUM)
    const { page } = await open({ ...DESKTOP, colorScheme: 'dark' })
    await page.emulateMedia({ media: 'print' })
    expect(await page.evaluate('getComputedStyle(document.body).color')).toBe('rgb(27, 31, 36)')
    await page.pdf({ path: `${screenshots}print.pdf`, format: 'A4' })
    await page.screenshot({ path: `${screenshots}print.png`, fullPage: true })
    await page.close()
  })
})
