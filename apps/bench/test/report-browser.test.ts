import { chromium } from 'playwright-core'
import { expect, it } from 'vitest'
import { findChromium, NO_CHROMIUM } from '../../../tooling/chromium.mjs'
import { htmlReport } from '../src/report/page.js'
import { exampleResults } from './example-results.js'

it('is a page without errors that fits a phone, with every curve', async (context) => {
  const executablePath = findChromium()
  if (!executablePath) return context.skip(NO_CHROMIUM)
  const browser = await chromium.launch({ executablePath })
  try {
    const page = await browser.newPage({ viewport: { width: 375, height: 812 } })
    const errors: string[] = []
    page.on('console', (message) => errors.push(message.text()))
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('request', (request) => errors.push(request.url()))
    await page.setContent(htmlReport(exampleResults()))
    expect(errors).toEqual([])
    const widths = await page.evaluate('[document.documentElement.scrollWidth, window.innerWidth]')
    expect(widths).toEqual([375, 375])
    const { strategies } = exampleResults().run.config
    expect(await page.locator('svg').first().locator('path[stroke-width="2.5"]').count()).toBeGreaterThanOrEqual(
      strategies.length,
    )
  } finally {
    await browser.close()
  }
})
