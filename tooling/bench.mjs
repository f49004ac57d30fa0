// `pnpm bench`: the bench's command line with the environment that makes it fast, in the folder it was called from, so
// that paths mean what they say.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './setup.mjs'

if (existsSync(join(root, 'apps/bench/dist/cli.js'))) {
  const bench = join(root, 'apps/bench/bin/bench.js')
  // Package managers run scripts in the root, and say where they were called.
  const folder = process.env.INIT_CWD ?? process.cwd()
  process.exitCode = await run(process.execPath, [bench, ...process.argv.slice(2)], {}, folder)
} else {
  console.error('bench: expected a built workspace, got none; run `npm start`, or `pnpm install` and `pnpm build`')
  process.exitCode = 1
}
