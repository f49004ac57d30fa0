import { relative } from 'node:path'
import { parseArgs } from 'node:util'
import { type Created, createStrategy } from './create.js'

const help = `Usage: npm create @alibi/strategy <name>        (in the workspace of alibi: pnpm create-strategy <name>)

Makes a package with a position strategy, its conformance test and a README, all green before a line is changed.
In the workspace it is packages/<name>, elsewhere a folder <name>.

  <name>      lower-case letters, digits and hyphens, e.g. log-bias
  -h, --help  this text`

/** What to do next. */
function advice({ folder, workspace }: Created): string {
  const at = relative(process.cwd(), folder)
  const name = folder.split(/[/\\]/).at(-1)
  return workspace
    ? `made ${at}; next:
  pnpm install && pnpm build
  npm test -- packages/${name}
  pnpm bench run --strategies alibi,${at.startsWith('.') ? at : `./${at}`}/src/index.ts`
    : `made ${at}; next:
  cd ${at}
  npm install
  npm test`
}

/** @returns the exit code */
async function main(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    options: { help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  })
  if (values.help) {
    console.log(help)
    return 0
  }
  const [name, ...more] = positionals
  if (name === undefined || more.length) {
    console.error(
      `create-strategy: expected one name, got ${positionals.join(' ') || 'none'} (add --help for an example)`,
    )
    return 1
  }
  console.log(advice(await createStrategy(name)))
  return 0
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  const [line] = (error as Error).message.split('\n')
  console.error(line!.startsWith('create-strategy:') ? line : `create-strategy: ${line} (--help says more)`)
  process.exitCode = 1
}
