// `pnpm create-strategy <name>`: a new package in packages/.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './setup.mjs'

if (existsSync(join(root, 'packages/create-strategy/dist/cli.js'))) {
  process.exitCode = await run(process.execPath, [
    'packages/create-strategy/bin/create-strategy.js',
    ...process.argv.slice(2),
  ])
} else {
  console.error('create-strategy: expected a built workspace, got none; run `pnpm install` and `pnpm build`')
  process.exitCode = 1
}
