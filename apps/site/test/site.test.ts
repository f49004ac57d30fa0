// The built site in a real browser.
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findChromium, NO_CHROMIUM } from '../../../tooling/chromium.mjs'

const require = createRequire(import.meta.url)
const start = promisify(execFile)
const executablePath = findChromium()
const root = fileURLToPath(new URL('..', import.meta.url))
/** Kept for people to look at. */
const screenshots = `${root}screenshots/`
const TYPES: Record<string, string> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}
const DESKTOP = { viewport: { width: 1280, height: 900 } }
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }
const PICTURES = [
  ...['one-word', 'sinusoids', 'rotary', 'buckets', 'slopes', 'forgetting', 'window', 'layers', 'stick-breaking'],
  'extrapolation',
]

const AXES = [
  ['one-word', 'word that is looked at', 'word that looks'],
  ['sinusoids', 'position', 'dimension'],
  ['buckets', 'distance', 'bucket'],
  ['slopes', 'distance', 'attention'],
  ['forgetting', 'word that is looked at', 'word that looks'],
  ['window', 'word that is looked at', 'word that looks'],
  ['layers', 'word that is looked at', 'word that looks'],
  ['stick-breaking', 'distance', 'attention'],
  ['extrapolation', 'evaluation length', 'perplexity'],
] as const

const CHOICES = [
  ['one-word', ['none', 'sinusoidal', 'rotary', 'alibi']],
  ['window', ['text', 'cache']],
  ['layers', ['irope', 'gemma']],
] as const

interface Canvas {
  toDataURL(): string
}

let folder: string
let dist: string
let browser: Browser | undefined
let server: Server
let url: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alibi-site-'))
  dist = join(folder, 'dist')
  // A process of its own: vitest's conditions and mode would reach its Vite.
  const { NODE_OPTIONS: _, VITEST: __, NODE_ENV: ___, ...env } = process.env
  const options = { cwd: root, env: { ...env, ALIBI_SITE_OUT: dist } }
  await start(process.execPath, ['src/pages.mjs'], options)
  const vitepress = join(root, 'node_modules/vitepress/bin/vitepress.js')
  await start(process.execPath, [vitepress, 'build'], options).catch((error) =>
    expect.fail(error.stdout + error.stderr),
  )
  server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url!, 'http://localhost')
    const path = join(dist, pathname.endsWith('/') ? `${pathname}index.html` : pathname)
    const file = existsSync(path) && extname(path) ? path : `${path}.html`
    if (!existsSync(file)) return response.writeHead(404).end()
    response.setHeader('content-type', TYPES[extname(file)] ?? 'text/plain')
    response.end(await readFile(file))
  })
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done)
  })
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  await mkdir(screenshots, { recursive: true })
  if (executablePath) browser = await chromium.launch({ executablePath })
}, 180_000)
afterAll(async () => {
  await browser?.close()
  server?.close()
  await rm(folder, { recursive: true, force: true })
})

/** A page, and all that goes wrong on it. */
async function open(path: string, options: BrowserContextOptions): Promise<{ page: Page; errors: string[] }> {
  const page = await browser!.newPage(options)
  const errors: string[] = []
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && errors.push(message.text()))
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('request', (request) => request.url().startsWith(url) || errors.push(request.url()))
  page.on('response', (response) => response.ok() || errors.push(`${response.status()} ${response.url()}`))
  await page.goto(url + path, { waitUntil: 'networkidle' })
  return { page, errors }
}

/** What a picture's drawings are, as text. */
const drawn = (page: Page, id: string) =>
  page
    .locator(`#${id} :is(svg, canvas)[role=img]`)
    .evaluateAll((drawings) => drawings.map((d) => ('toDataURL' in d ? (d as Canvas).toDataURL() : d.innerHTML)).join())

async function violations(page: Page): Promise<string[]> {
  await page.addScriptTag({ path: require.resolve('axe-core') })
  const { violations } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>('axe.run()')
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`)
}

describe('the first page', () => {
  it.for<[string, BrowserContextOptions]>([
    ['desktop', DESKTOP],
    ['phone-dark', { ...PHONE, colorScheme: 'dark' }],
  ])('draws every picture, fits, breaks no rule and logs no error: %s', async ([name, options], context) => {
    if (!browser) return context.skip(NO_CHROMIUM)
    const { page, errors } = await open('', options)
    for (const id of PICTURES) {
      for (const drawing of await page.locator(`#${id} :is(svg, canvas)[role=img]`).all()) {
        expect((await drawing.boundingBox())!.height, id).toBeGreaterThan(40)
        expect((await drawing.getAttribute('aria-label'))!.length, id).toBeGreaterThan(40)
      }
      expect((await drawn(page, id)).length, id).toBeGreaterThan(300)
      expect(await drawn(page, id), id).not.toMatch(/NaN|undefined|Infinity/)
    }
    // Every picture with axes names them.
    const texts = async (id: string) =>
      (await page.locator(`#${id} :is(svg text, .heat-map p)`).allTextContents()).join(' ')
    for (const [id, x, y] of AXES) expect(await texts(id), id).toMatch(new RegExp(`${x}.*${y}|${y}.*${x}`))
    await page.screenshot({ path: `${screenshots}${name}.png`, fullPage: true })
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(options.viewport!.width)
    expect(await violations(page)).toEqual([])
    expect(errors).toEqual([])
    await page.close()
  })

  it('changes each picture, and what it says, by keys', async (context) => {
    if (!browser) return context.skip(NO_CHROMIUM)
    const { page, errors } = await open('', DESKTOP)
    for (const slider of await page.locator('.picture input[type=range]').all()) {
      const id = (await slider.evaluate((element) => element.closest('.picture')!.id))!
      const before = [await drawn(page, id), await page.locator(`#${id} output`).textContent()]
      await slider.focus()
      await page.keyboard.press('ArrowRight')
      const after = [await drawn(page, id), await page.locator(`#${id} output`).textContent()]
      for (const i of [0, 1]) expect(after[i], id).not.toBe(before[i])
    }
    for (const [id, options] of CHOICES) {
      const seen = new Set<string>()
      for (const option of options) {
        await page.locator(`#${id} select`).selectOption(option)
        seen.add(await drawn(page, id))
      }
      expect(seen.size, id).toBe(options.length)
    }
    expect(errors).toEqual([])
    await page.close()
  })

  it('turns the planes when asked, and does not offer it to those who want no motion', async (context) => {
    if (!browser) return context.skip(NO_CHROMIUM)
    const { page } = await open('', DESKTOP)
    const before = await drawn(page, 'rotary')
    const product = /product is (\S+)\./
    const told = async () => (await page.locator('#rotary output').textContent())!.match(product)![1]
    const first = await told()
    await page.getByRole('button', { name: 'Turn' }).click()
    await expect.poll(() => drawn(page, 'rotary')).not.toBe(before)
    await page.getByRole('button', { name: 'Stop' }).click()
    expect(await told()).toBe(first)
    await page.close()
    const still = await open('', { ...DESKTOP, reducedMotion: 'reduce' })
    expect(await still.page.getByRole('button', { name: 'Turn' }).count()).toBe(0)
    await still.page.close()
  })
})

it.for(['project', 'docs/add-a-strategy', 'packages/alibi'])('opens %s without an error', async (path, context) => {
  if (!browser) return context.skip(NO_CHROMIUM)
  const { page, errors } = await open(`${path}.html`, PHONE)
  expect((await page.locator('main h1').textContent())!.length).toBeGreaterThan(3)
  expect(await violations(page)).toEqual([])
  expect(errors).toEqual([])
  await page.close()
})

it('has no link within it that leads nowhere', () => {
  const pages = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.html') && !file.startsWith('api'),
  )
  expect(pages.length).toBeGreaterThan(30)
  const dead: string[] = []
  for (const file of pages) {
    const html = readFileSync(join(dist, file), 'utf8')
    for (const [, link = ''] of html.matchAll(/<a\b[^>]*\bhref="([^"]+)"/g)) {
      if (/^[a-z]+:/.test(link)) continue
      const { pathname } = new URL(link, `http://localhost/${file}`)
      const path = join(dist, pathname.endsWith('/') ? `${pathname}index.html` : pathname)
      if (!existsSync(path) || !extname(path)) if (!existsSync(`${path}.html`)) dead.push(`${file}: ${link}`)
    }
  }
  expect(dead).toEqual([])
})
