import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { pageWithExcerpt } from '../excerpt.mjs'
import { root } from '../setup.mjs'

it('shows the interface in DESIGN.md as the code has it (else: node tooling/excerpt.mjs --update)', () => {
  const { written, current } = pageWithExcerpt()
  expect(written).toBe(current)
  expect(written).toContain('readonly rotation?: Rotation')
})

it('names files that exist in the stations of a token', () => {
  const page = readFileSync(join(root, 'DESIGN.md'), 'utf8')
  const [, section = ''] = page.split('## How a token flows')
  const [table = ''] = section.split('\n## ')
  const paths = [...table.matchAll(/`((?:packages|apps)\/[^`]+\.ts)`/g)].map(([, path]) => path!)
  expect(paths.length).toBeGreaterThan(10)
  for (const path of paths) expect(() => readFileSync(join(root, path)), path).not.toThrow()
})
