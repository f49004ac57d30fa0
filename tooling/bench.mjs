// `pnpm bench`: the bench's command line with the environment that makes it fast.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './setup.mjs'

if (existsSync(join(root, 'apps/bench/dist/cli.js'))) {
  process.exitCode = await run(process.execPath, ['apps/bench/bin/bench.js', ...process.argv.slice(2)])
} else {
  console.error('bench: expected a built workspace, got none; run `npm start`, or `pnpm install` and `pnpm build`')
  process.exitCode = 1
}
