// `pnpm bench` and `pnpm speed`: an app's command line with the environment that makes it fast, in the folder it was called
// from, so that paths mean what they say.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { root, run } from './setup.mjs'

const [app = '', ...args] = process.argv.slice(2)
if (existsSync(join(root, 'apps', app, 'dist/cli.js'))) {
  const bin = join(root, 'apps', app, 'bin', `${app}.js`)
  // Package managers run scripts in the root, and say where they were called.
  const folder = process.env.INIT_CWD ?? process.cwd()
  process.exitCode = await run(process.execPath, [bin, ...args], {}, folder)
} else {
  console.error(
    `${app}: expected a built workspace, got none; run \`npm start\`, or \`pnpm install\` and \`pnpm build\``,
  )
  process.exitCode = 1
}
