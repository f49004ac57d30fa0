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
      const picture = page.locator(`#${id} .picture > svg:visible`)
      expect(await picture.count(), id).toBe(1)
      const curves = await picture.locator('[data-column]').count()
      if (curves) expect(curves, id).toBe(table.head.length - 1)
    }
    // The whole of the first picture is in the first screen.
    const { y, height } = (await page.locator('#perplexity .picture').boundingBox())!
    expect(y + height).toBeLessThan(options.viewport!.height)
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

  it('shows values with their seeds under the pointer, a finger and by arrow keys', async (context) => {
    if (!executablePath) return context.skip(NO_CHROMIUM)
    const { page, errors } = await open(DESKTOP)
    const picture = page.locator('#perplexity .picture')
    const values = picture.locator('.values')
    const cell = async (row: number, column: number) => {
      const found = page.locator('#perplexity tbody tr').nth(row).locator('th, td').nth(column)
      return { text: (await found.textContent())!, note: await found.getAttribute('data-note') }
    }
    await picture.focus()
    await page.keyboard.press('ArrowRight')
    expect(await values.textContent()).toContain('evaluation length 128')
    await page.keyboard.press('End')
    // The last panel's: trained at 256.
    expect(await values.textContent()).toContain(`sinusoidal, 256: ${(await cell(4, 7)).text}`)
    // At the end curves are in the order of their losses: alibi, which is lowest, comes last.
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowDown')
    const last = await cell(4, 6)
    expect(last.note).toMatch(/^3 seeds, \d\.\d{3} to \d\.\d{3}$/)
    const told = `alibi, 256: ${last.text} (${last.note})`
    expect(await picture.locator('output').textContent()).toBe(`evaluation length 2,048: ${told}`)
    await page.keyboard.press('Escape')
    expect(await values.isVisible()).toBe(false)
    const { width, height } = (await picture.boundingBox())!
    await picture.hover({ position: { x: width * 0.225, y: height * 0.9 } })
    expect(await values.textContent()).toContain('evaluation length 512')
    const own = await cell(2, 1)
    expect(await values.locator('.nearest').textContent()).toBe(`alibi, 128: ${own.text} (${own.note})`)
    await page.screenshot({ path: `${screenshots}values.png` })
    await page.locator('#train-speed .picture').hover({ position: { x: 200, y: 30 } })
    expect(await page.locator('#train-speed .values').textContent()).toMatch(
      /^strategy alibi, 128tokens a second: .*3 seeds/,
    )
    expect(errors).toEqual([])
    await page.close()
    const phone = (await open({ ...PHONE, hasTouch: true })).page
    await phone.locator('#perplexity .picture').tap({ position: { x: 100, y: 150 } })
    expect(await phone.locator('#perplexity .values').textContent()).toMatch(/evaluation length .*3 seeds/)
    await phone.close()
  })

  it('shows the rows that are picked, in all tables and pictures', async (context) => {
    if (!executablePath) return context.skip(NO_CHROMIUM)
    const { page, errors } = await open(DESKTOP)
    const pick = page.getByRole('form', { name: 'Rows to show' })
    const rows = page.locator('#results tbody tr:visible')
    const curves = page.locator('#perplexity .picture > svg:visible [data-column]:visible')
    expect([await rows.count(), await curves.count()]).toEqual([20, 10])
    for (const name of ['sinusoidal', 't5-bias', 'none']) await pick.getByLabel(name).uncheck()
    await pick.getByLabel('256').uncheck()
    expect([await rows.count(), await curves.count()]).toEqual([4, 2])
    expect(await page.locator('#perplexity svg svg:visible').count()).toBe(1)
    expect(await page.locator('.reach li:visible').count()).toBe(2)
    await page.locator('#perplexity summary').click()
    expect(await page.locator('#perplexity thead th:visible').allTextContents()).toEqual([
      'evaluation length',
      'alibi, 128',
      'rotary, 128',
    ])
    expect(await page.locator('.picked').textContent()).toContain('Shown: alibi, rotary; trained at 128.')
    await page.screenshot({ path: `${screenshots}picked.png` })
    // With none, all are back.
    await pick.getByLabel('128').click()
    expect(await rows.count()).toBe(8)
    await pick.getByRole('button', { name: 'All' }).click()
    await expect.poll(() => rows.count()).toBe(20)
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
    await page.locator('#perplexity summary').click()
    const button = (name: string) => page.locator('#perplexity').getByRole('button', { name }).click()
    const svg = (await save('perplexity.svg', () => button('Save as SVG'))).toString()
    expect(svg).toContain('#0063b1')
    expect(svg).not.toContain('var(')
    expect((await save('perplexity.csv', () => button('Save as CSV'))).toString()).toContain('"128","')
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
    for (const control of ['.pick', 'nav', 'summary', 'button']) {
      const found = page.locator(`${control}:visible`)
      expect(await found.count(), control).toBe(0)
    }
    expect(await page.locator('#settings table:visible, #bias-alibi details table:visible').count()).toBe(2)
    await page.pdf({ path: `${screenshots}print.pdf`, format: 'A4' })
    await page.screenshot({ path: `${screenshots}print.png`, fullPage: true })
    await page.close()
  })
})
