import { selectBackend } from '@alibi/backend'
import { describe, expect, it } from 'vitest'
import { codeCommit, matmulGigaflops, versionsOf } from '../src/index.js'

describe('this machine', () => {
  it('names what computes', async () => {
    const versions = versionsOf(await selectBackend('cpu'))
    expect(versions).toMatchObject({ node: process.versions.node, platform: `${process.platform}-${process.arch}` })
    for (const version of Object.values(versions)) expect(version).not.toBe('')
  })

  it('measures a product of matrices', async () => {
    await selectBackend('cpu')
    expect(await matmulGigaflops(16)).toBeGreaterThan(0)
  })

  it('names the commit, or none', async () =>
    expect((await codeCommit()) ?? 'none').toMatch(/^([0-9a-f]{40}(-dirty)?|none)$/))
})
