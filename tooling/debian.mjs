// What tests need of the system: on Debian, `npm test` as root installs it from apt.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { run } from './setup.mjs'

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * The path of the first program that is installed, or undefined.
 * @param {readonly string[]} names
 * @param {string} [path] - folders to look in, as in `PATH`
 */
export function findProgram(names, path = process.env.PATH ?? '') {
  const places = path.split(delimiter).flatMap((folder) => names.map((name) => join(folder, name)))
  return places.find((place) => existsSync(place))
}

/**
 * Installs a package, if this is Debian and this user may. What goes wrong is printed, not thrown.
 * @param {string} name
 * @param {string} otherwise - what to print where it may not be installed
 * @param {Readonly<Record<string, string>>} [newer] - by Debian's code names, the suite that has it newer; the machine's own list of
 * suites stays as it is
 */
export async function installPackage(name, otherwise, newer = {}) {
  const debian = existsSync('/usr/bin/apt-get') && existsSync('/etc/debian_version')
  if (!debian || process.getuid?.() !== 0) return console.log(otherwise)
  const [, codeName = ''] = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8')) ?? []
  const suite = newer[codeName]
  const folder = mkdtempSync(join(tmpdir(), 'alibi-apt-'))
  const list = join(folder, 'suite.list')
  if (suite) writeFileSync(list, `deb [signed-by=${KEYRING}] http://deb.debian.org/debian ${suite} main\n`)
  const from = suite ? ['-o', `Dir::Etc::SourceList=${list}`] : []
  const target = suite ? ['-t', suite] : []
  const quiet = { DEBIAN_FRONTEND: 'noninteractive' }
  const installed =
    (await run('apt-get', [...from, 'update', '-qq'], quiet)) === 0 &&
    (await run('apt-get', [...from, 'install', '-y', '-qq', '--no-install-recommends', ...target, name], quiet)) === 0
  rmSync(folder, { recursive: true })
  if (!installed) console.log(`${name} could not be installed (the message is above): tests that need it are skipped`)
}
