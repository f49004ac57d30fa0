// The page in a real browser: on WebAssembly, and on WebGPU where Chromium's software adapter works.
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { unzipSync } from 'fflate'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { createServer, type Plugin, type ViteDevServer } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium, NO_CHROMIUM } from '../../../tooling/chromium.mjs'

const require = createRequire(import.meta.url)
const executablePath = findChromium()
const root = fileURLToPath(new URL('..', import.meta.url))
/** Kept for people to look at. */
const screenshots = `${root}screenshots/`
const DESKTOP = { viewport: { width: 1100, height: 900 } }
const PHONE = { viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true }
/** A text that a tiny training learns. */
const TEXT = 'to be or not to be, that is the question. '.repeat(60)

/** `/?plain` is the page as servers have it that do not isolate it. */
const plainPage: Plugin = {
  name: 'plain-page',
  configureServer({ middlewares }) {
    middlewares.use(({ url }, response, next) => {
      const setHeader = response.setHeader.bind(response)
      if (url === '/?plain')
        response.setHeader = (name, value) => (name.startsWith('Cross-Origin-') ? response : setHeader(name, value))
      next()
    })
  },
}

let browser: Browser
let server: ViteDevServer
beforeAll(async () => {
  if (!executablePath) return
  await mkdir(screenshots, { recursive: true })
  server = await createServer({ root, logLevel: 'error', plugins: [plainPage], server: { port: 0, hmr: false } })
  await server.listen()
  // Kernels write workgroup memory before they read it, and compile five times faster without its clearing.
  const dawn = '--enable-dawn-features=disable_workgroup_init'
  const args = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', dawn]
  browser = await chromium.launch({ executablePath, args })
})
afterAll(async () => {
  await browser?.close()
  await server?.close()
})

/**
 * The page with its device open, and all that goes wrong on it.
 *
 * @param isolated - as its own servers have it; most others do not
 */
async function open(options: BrowserContextOptions, isolated = false): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage(options)
  const errors: string[] = []
  const url = server.resolvedUrls!.local[0]!
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && errors.push(message.text()))
  page.on('pageerror', (error) => errors.push(error.message))
  page.on(
    'request',
    (request) => /^(?:data:|blob:)/.test(request.url()) || request.url().startsWith(url) || errors.push(request.url()),
  )
  await page.goto(isolated ? url : `${url}?plain`)
  await page.getByText('Computes with').waitFor()
  return { page, errors }
}

/** Starts a training of `steps` steps at a train length of 16. */
async function start(page: Page, steps: number, strategy: string): Promise<void> {
  await page.getByLabel('What the model learns from').fill(TEXT)
  await page.getByLabel('Steps', { exact: true }).fill(String(steps))
  await page.getByLabel('Train length').selectOption('16')
  await page.locator(`input[value=${strategy}]`).check()
  await page.getByRole('button', { name: 'Start' }).click()
}

/** The cells of a figure's table without its head, row by row. */
const rowsOf = (page: Page, id: string) =>
  page.locator(`#${id} tbody tr`).evaluateAll((rows) => rows.map((row) => row.textContent))
const cells = (page: Page, id: string) => page.locator(`#${id} td`).allTextContents()

async function violations(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: require.resolve('axe-core') })
  const { violations } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>('axe.run()')
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
}

describe('the playground', () => {
  it('trains four models, reads far with each and writes with each', async (context) => {
    if (!executablePath) return context.skip(NO_CHROMIUM)
    const { page, errors } = await open(DESKTOP)
    expect(await page.locator('#device').textContent()).toMatch(/WebAssembly.*No WebGPU: only a software adapter/)
    await start(page, 12, 'all')
    await page.getByText('Done.').waitFor()
    expect(await page.locator('#perplexity svg').count()).toBe(1)
    expect(await rowsOf(page, 'perplexity')).toHaveLength(4)
    const perplexities = (await cells(page, 'perplexity')).map(Number)
    expect(perplexities).toHaveLength(16)
    // Untrained, a byte's is above 256.
    for (const perplexity of perplexities) expect(perplexity).toBeLessThan(60)
    const losses = await cells(page, 'loss')
    for (let row = 0; row < 4; row++) expect(Number(losses[4 * row + 2])).toBeLessThan(Number(losses[4 * row + 1]) - 1)
    for (const text of await page.locator('#texts pre').allTextContents())
      expect(text.length).toBeGreaterThan('The Time Traveller '.length)
    expect(await page.locator('#texts pre').count()).toBe(4)

    const saved = async (name: string) => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name }).click()])
      return { name: download.suggestedFilename(), content: await readFile(await download.path()) }
    }
    const curves = await saved('Save the losses as CSV')
    expect(curves.name).toBe('loss.csv')
    expect(curves.content.toString().trim().split('\n')).toHaveLength(1 + 4 * 12)
    const { name, content } = await saved('Save the models (zip)')
    expect(name).toBe('alibi-playground.zip')
    expect(Object.keys(unzipSync(content))).toContain('t5-bias/weights.safetensors')

    await page.getByLabel('Prompt').fill('that is ')
    await page.getByRole('button', { name: 'Write again' }).click()
    await page
      .locator('#texts pre', { hasText: /^that is / })
      .nth(3)
      .waitFor()
    expect(await violations(page)).toEqual([])
    await page.screenshot({ path: `${screenshots}desktop.png`, fullPage: true })
    expect(errors).toEqual([])
    await page.close()
  })

  it.for(['none', 'forgetting', 'irope'])('trains one of the others alone: %s', async (strategy, context) => {
    if (!executablePath) return context.skip(NO_CHROMIUM)
    const { page, errors } = await open(DESKTOP)
    await start(page, 4, strategy)
    await page.getByText('Done.').waitFor()
    expect(await rowsOf(page, 'perplexity')).toHaveLength(1)
    for (const perplexity of (await cells(page, 'perplexity')).map(Number)) expect(perplexity).toBeLessThan(257)
    expect(errors).toEqual([])
    await page.close()
  })

  it('trains on several threads where it is isolated, with the numbers of one', async (context) => {
    if (!executablePath) return context.skip(NO_CHROMIUM)
    const found: { losses: number[]; perplexities: number[] }[] = []
    for (const isolated of [false, true]) {
      const { page, errors } = await open(DESKTOP, isolated)
      const cores = await page.evaluate<number>('navigator.hardwareConcurrency')
      const threads = isolated && cores > 1 ? `${cores < 4 ? 2 : 4} threads` : '1 thread'
      expect(await page.locator('#device').textContent()).toContain(`WebAssembly on the processor, ${threads}, SIMD.`)
      await start(page, 12, 'alibi')
      await page.getByText('Done.').waitFor()
      const [steps, first, last] = (await cells(page, 'loss')).map(Number)
      found.push({ losses: [steps!, first!, last!], perplexities: (await cells(page, 'perplexity')).map(Number) })
      expect(errors).toEqual([])
      await page.close()
    }
    const [one, several] = found
    // As they are printed: with three digits and with one.
    expect(several!.losses).toBeAllclose(one!.losses, { rtol: 0, atol: 0.0011 })
    expect(several!.perplexities).toBeAllclose(one!.perplexities, { rtol: 0, atol: 0.11 })
  })

  it('pauses, resumes and stops on a dark phone, with all its threads', async (context) => {
    if (!executablePath) return context.skip(NO_CHROMIUM)
    const { page, errors } = await open({ ...PHONE, colorScheme: 'dark' }, true)
    await start(page, 100_000, 'alibi')
    await page.locator('#loss svg').waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    // Redrawn now and then: wait for what was on its way.
    await page.waitForTimeout(600)
    const paused = await page.locator('#rate').textContent()
    await page.waitForTimeout(500)
    expect(await page.locator('#rate').textContent()).toBe(paused)
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.waitForFunction(`document.querySelector('#rate').textContent !== ${JSON.stringify(paused)}`)
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.getByText('Stopped.').waitFor()
    expect(await violations(page)).toEqual([])
    expect((await page.locator('html').boundingBox())!.width).toBeLessThanOrEqual(PHONE.viewport.width)
    await page.screenshot({ path: `${screenshots}phone-dark.png`, fullPage: true })
    expect(errors).toEqual([])
    await page.close()
  })

  it('says what is wrong in a sentence, and goes on', async (context) => {
    if (!executablePath) return context.skip(NO_CHROMIUM)
    const { page, errors } = await open(DESKTOP)
    const problem = page.getByRole('alert')
    const text = page.getByLabel('What the model learns from')
    await text.fill('')
    await page.getByRole('button', { name: 'Start' }).click()
    expect(await problem.textContent()).toMatch(/^There is no text yet/)
    await text.fill('short')
    await page.getByRole('button', { name: 'Start' }).click()
    expect(await problem.textContent()).toMatch(/^The text is too short: it has 5 bytes, .* needs 650/)
    const buffer = Buffer.from('a\0b')
    await page.getByLabel('text file').setInputFiles({ name: 'picture.png', mimeType: 'image/png', buffer })
    await page.getByText('picture.png is not a text file.').waitFor()
    await page.getByLabel('Computes on').selectOption('webgpu')
    await page.getByText('That device does not work here: only a software adapter').waitFor()
    await page.getByLabel('Computes on').selectOption('cpu')
    await page.getByText('Computes with JavaScript').waitFor()
    expect(await problem.isVisible()).toBe(false)
    expect(errors).toEqual([])
    await page.close()
  })

  // The software adapter takes a good part of a minute for more than a few steps: reading and writing are not waited for.
  it('trains on WebGPU', async (context) => {
    if (!executablePath) return context.skip(NO_CHROMIUM)
    const { page, errors } = await open(DESKTOP)
    await page.getByLabel('Computes on').selectOption('software')
    await page.getByText(/Computes with WebGPU|does not work here/).waitFor()
    const refused = await page.locator('#problem').textContent()
    if (refused) return context.skip(`no WebGPU in this Chromium: ${refused}`)
    await start(page, 3, 'alibi')
    await page.getByText(/Reading with|Done\.|Stopped\./).waitFor({ timeout: 50_000 })
    // Drawn a moment later.
    await page.locator('#loss td', { hasText: /^3$/ }).waitFor()
    const [steps, first, last] = (await cells(page, 'loss')).map(Number)
    expect(await page.locator('#problem').textContent()).toBe('')
    expect(steps).toBe(3)
    expect(last!).toBeLessThan(first!)
    expect(errors).toEqual([])
    await page.close()
  })
})
