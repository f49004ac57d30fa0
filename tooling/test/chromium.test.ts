import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect, it } from 'vitest'
import { findChromium } from '../chromium.mjs'

it('finds a browser by any of its names, in the order of the folders', () => {
  const [first, second] = [mkdtempSync(join(tmpdir(), 'path-')), mkdtempSync(join(tmpdir(), 'path-'))]
  try {
    expect(findChromium([first, second].join(delimiter))).toBeUndefined()
    writeFileSync(join(second, 'chromium'), '')
    expect(findChromium([first, second].join(delimiter))).toBe(join(second, 'chromium'))
    writeFileSync(join(first, 'google-chrome'), '')
    expect(findChromium([first, second].join(delimiter))).toBe(join(first, 'google-chrome'))
  } finally {
    for (const folder of [first, second]) rmSync(folder, { recursive: true })
  }
})
