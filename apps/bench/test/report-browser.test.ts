import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium, NO_CHROMIUM } from '../../../tooling/chromium.mjs'
import { reportFigures } from '../src/report/figures/all.js'
import { htmlReport } from '../src/report/page/page.js'
import { exampleResults } from './example-results.js'

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

describe('the report in a browser', () => {
  it.for<[string, BrowserContextOptions]>([
    ['desktop', { viewport: { width: 1280, height: 900 } }],
    ['dark', { viewport: { width: 1280, height: 900 }, colorScheme: 'dark' }],
    ['phone', { viewport: { width: 375, height: 812 } }],
    ['without-scripts', { viewport: { width: 375, height: 812 }, javaScriptEnabled: false }],
  ])('has every figure, fits and logs no error: %s', async ([name, options], context) => {
    if (!executablePath) return context.skip(NO_CHROMIUM)
    const { page, errors } = await open(options)
    await page.screenshot({ path: `${screenshots}${name}.png`, fullPage: true })
    expect(errors).toEqual([])
    for (const { id } of Object.values(figures).flat())
      expect(await page.locator(`#${id} .picture svg:visible`).count(), id).toBe(1)
    const { width } = options.viewport!
    const overflow = page.locator('body')
    expect((await overflow.boundingBox())!.width).toBeLessThanOrEqual(width)
    await page.close()
  })
})
