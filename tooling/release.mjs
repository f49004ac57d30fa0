// What the release workflow runs, each through changesets:
//     node tooling/release.mjs version    applies the changesets that wait: versions, changelogs, CITATION.cff
//     node tooling/release.mjs publish    publishes what the registry does not have yet, and tags it
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import writeFileAtomic from 'write-file-atomic'
import { pnpm, root } from './setup.mjs'

const [command = ''] = process.argv.slice(2)
if (command !== 'version' && command !== 'publish') {
  console.error(`release: expected version or publish, got ${command || 'nothing'}`)
  process.exit(2)
}
process.exitCode = await pnpm('exec', 'changeset', command)
if (process.exitCode === 0 && command === 'version') {
  // All packages have one version, which is what is cited.
  const { version } = JSON.parse(readFileSync(join(root, 'packages/core/package.json'), 'utf8'))
  const path = join(root, 'CITATION.cff')
  writeFileAtomic.sync(path, readFileSync(path, 'utf8').replace(/^version: .*$/m, `version: ${version}`))
}
