import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { emptyResults, linesOf, type Results, type TrainLine } from '@alibi/results'
import { appendResults, writeResults } from '@alibi/results/node'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findChromium, NO_CHROMIUM } from '../../../tooling/chromium.mjs'
import { serveWatch } from '../src/watch/server.js'
import { watchableFolder } from '../src/watch/watchable-folder.js'
import { exampleResults } from './example-results.js'

const require = createRequire(import.meta.url)
const executablePath = findChromium()
/** Kept for people to look at. */
const screenshots = fileURLToPath(new URL('../screenshots/', import.meta.url))

/** A run as it might be after a while: all of the first seed, a part of the second's first cell. */
const example = exampleResults()
const { run } = example
const isFirst = (line: { trainLength: number; seed: number }) => line.trainLength === 128 && line.seed === 1
const second = example.train.filter((line) => line.trainLength === 128 && line.seed === 2 && line.strategy === 'alibi')
const underWay: Results = {
  ...emptyResults(run),
  train: [...example.train.filter(isFirst), ...second.slice(0, 20)],
  evals: example.evals.filter(isFirst),
}

let browser: Browser
beforeAll(async () => {
  if (!executablePath) return
  await mkdir(screenshots, { recursive: true })
  browser = await chromium.launch({ executablePath })
})
afterAll(() => browser?.close())

let parent: string
let folder: string
let url: string
let end: () => Promise<void>
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'alibi-watch-'))
  folder = join(parent, 'a-run')
  const stopping = new AbortController()
  let served: Promise<void> | undefined
  url = await new Promise((onListening, reject) => {
    served = serveWatch(watchableFolder(folder), 0, { onListening, signal: stopping.signal })
    served.catch(reject)
  })
  end = async () => {
    stopping.abort()
    await served
  }
})
afterEach(async () => {
  await end()
  await rm(parent, { recursive: true })
})

/** The live page, and all that went wrong on it. */
async function open(options: BrowserContextOptions, query = ''): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage(options)
  const errors: string[] = []
  page.on('console', (message) => errors.push(message.text()))
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('request', (request) => request.url().startsWith(url) || errors.push(`request of ${request.url()}`))
  await page.goto(url + query)
  return { page, errors }
}

const DESKTOP = { viewport: { width: 1280, height: 900 } }
const PHONE = { viewport: { width: 375, height: 812 } }
const loss = '#loss-128 .picture svg:visible [data-column]'

describe('the live page in a browser', () => {
  it('waits for a folder, shows what is written there, and what is added, without being loaded again', async (context) => {
    if (!executablePath) return context.skip(NO_CHROMIUM)
    const { page, errors } = await open(DESKTOP)
    const status = page.locator('#status')
    await status.getByText('waiting for results to be written there').waitFor()
    await page.evaluate('window.notLoadedAgain = true')

    await mkdir(folder)
    await writeResults(folder, linesOf(underWay))
    await status.getByText('5 of 15 cells finished').waitFor()
    expect(await page.locator(loss).count()).toBe(6)
    const row = page.locator('#cells tbody tr', { hasText: 'alibi L128 seed 2' })
    expect(await row.textContent()).toContain('600 of 1,500 steps')
    const curve = () => page.locator(loss).nth(5).getAttribute('d')
    const before = await curve()

    // Somebody reads the numbers, and values by keyboard.
    await page.locator('#loss-128 summary').click()
    const picture = page.locator('#loss-128 .picture')
    await picture.focus()
    await page.keyboard.press('ArrowRight')
    const added: TrainLine = { ...second[20]!, lossNats: 2.3456 }
    await appendResults(folder, added)
    await row.getByText('2.346').waitFor()
    expect(await row.textContent()).toContain('630 of 1,500 steps')
    expect(await curve()).not.toBe(before)
    expect(await page.locator('#loss-128 tbody tr', { hasText: '2.346' }).isVisible()).toBe(true)
    expect(await picture.evaluate((element) => element === element.ownerDocument.activeElement)).toBe(true)
    expect(await picture.locator('.values').textContent()).toContain('step 30')

    const [evaluation] = example.evals.filter((line) => line.seed === 2 && line.trainLength === 128)
    const rest = second.slice(21)
    await appendResults(folder, ...rest, { ...evaluation!, perplexity: 7.891 })
    await row.getByText('7.891 at 128').waitFor()
    expect(await row.textContent()).toContain('trained, 1 of 5 evaluations')
    await page.locator('#perplexity-128-nonoverlapping tbody', { hasText: '7.891' }).waitFor({ state: 'attached' })
    expect(await page.evaluate('window.notLoadedAgain')).toBe(true)

    // Begun anew in the same folder, then gone.
    await writeResults(folder, linesOf({ ...emptyResults(run), train: second.slice(0, 1) }))
    await status.getByText('0 of 15 cells finished').waitFor()
    await expect.poll(() => page.locator(loss).count()).toBe(1)
    expect(await page.locator('#perplexity figure').count()).toBe(0)
    await rm(folder, { recursive: true })
    await status.getByText('waiting for results').waitFor()
    await mkdir(folder)
    await writeResults(folder, linesOf(underWay))
    await expect.poll(() => page.locator(loss).count()).toBe(6)
    expect(errors).toEqual([])

    await end()
    await status.getByText('No connection').waitFor()
    await page.close()
  })

  it('shows smoothed losses between the lowest and the highest of what they are means of', async (context) => {
    if (!executablePath) return context.skip(NO_CHROMIUM)
    await mkdir(folder)
    await writeResults(folder, linesOf(underWay))
    const { page, errors } = await open(DESKTOP)
    expect(await page.locator('#loss-128 .caption').textContent()).toContain('Nothing else is smoothed')
    await page.getByRole('link', { name: 'mean of the last 5 lines' }).click()
    expect(await page.locator('#loss-128 .caption').textContent()).toContain('the mean of the last 5 of them')
    const mean = [3, 4, 5, 6, 7].reduce((sum, i) => sum + second[i]!.lossNats, 0) / 5
    const cells = page.locator('#loss-128 tbody tr').nth(7).locator('td')
    expect((await cells.nth(5).textContent())!.trim()).toBe(mean.toFixed(3))
    expect(errors).toEqual([])
    await page.close()
  })

  it.for<[string, BrowserContextOptions, string]>([
    ['desktop', DESKTOP, ''],
    ['dark', { ...DESKTOP, colorScheme: 'dark' }, '?mean=5'],
    ['phone', { ...PHONE, colorScheme: 'dark' }, ''],
  ])(
    'fits, and breaks no rule of accessibility that a machine can check: %s',
    async ([name, options, query], context) => {
      if (!executablePath) return context.skip(NO_CHROMIUM)
      await mkdir(folder)
      await writeResults(folder, linesOf(underWay))
      const { page, errors } = await open(options, query)
      await page.screenshot({ path: `${screenshots}watch-${name}.png`, fullPage: true })
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(options.viewport!.width)
      await page.addScriptTag({ path: require.resolve('axe-core') })
      const { violations } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
        'axe.run()',
      )
      expect(
        violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`),
      ).toEqual([])
      expect(errors).toEqual([])
      await page.close()
    },
  )
})
