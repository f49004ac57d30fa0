// What each package promises to its users, as tooling/api/*.api.md: they change only on purpose.
//     node tooling/api-report.mjs            fails when a report is not what the built packages say
//     node tooling/api-report.mjs --update   writes the reports
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import { published, root } from './setup.mjs'

const update = process.argv.includes('--update')
const reports = join(root, 'tooling/api')
const temporary = mkdtempSync(join(tmpdir(), 'alibi-api-'))
const silent = { default: { logLevel: ExtractorLogLevel.None } }

/** Reports by file name. */
const current = new Map()
for (const folder of published()) {
  const manifest = JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'))
  for (const [entry, { types }] of Object.entries(manifest.exports))
    if (types) {
      const name = `${folder}${entry.slice(1).replaceAll('/', '-')}.api.md`
      current.set(name, reportOf(name, join(root, 'packages', folder), types))
    }
}
rmSync(temporary, { recursive: true })

const written = (/** @type {string} */ name) =>
  existsSync(join(reports, name)) ? readFileSync(join(reports, name), 'utf8') : undefined
const changed = [...current.keys()].filter((name) => written(name) !== current.get(name))
const gone = readdirSync(reports).filter((name) => !current.has(name))
if (update) {
  for (const name of changed) writeFileSync(join(reports, name), current.get(name))
  for (const name of gone) rmSync(join(reports, name))
  console.log(`${current.size} public APIs are written down; ${changed.length + gone.length} changed`)
} else if (changed.length + gone.length) {
  for (const name of changed)
    console.error(`tooling/api/${name} is not what the built package declares:\n${firstChange(name)}`)
  for (const name of gone) console.error(`tooling/api/${name} is of no package`)
  console.error('If that is meant: `pnpm build && pnpm api-report`, look at the difference, and add a changeset.')
  process.exitCode = 1
} else console.log(`${current.size} public APIs are as written down`)

/**
 * @param {string} name - of the report
 * @param {string} folder - of the package
 * @param {string} types - its entry's declarations
 * @returns {string} the declarations of all that it exports, sorted, without comments
 */
function reportOf(name, folder, types) {
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(folder, 'package.json'),
    configObject: {
      projectFolder: folder,
      mainEntryPointFilePath: join(folder, types),
      newlineKind: 'lf',
      compiler: {
        // The DOM's types, for WebGPU's.
        overrideTsconfig: {
          extends: join(root, 'tsconfig.base.json'),
          compilerOptions: { lib: ['ES2023', 'DOM'] },
          files: [join(folder, types)],
        },
      },
      apiReport: { enabled: true, reportFileName: name, reportFolder: temporary, reportTempFolder: temporary },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: { compilerMessageReporting: silent, extractorMessageReporting: silent, tsdocMessageReporting: silent },
    },
  })
  const report = join(temporary, name)
  writeFileSync(report, '')
  Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      message.handled = true
    },
  })
  // A docstring that comes or goes is no change of the API.
  return readFileSync(report, 'utf8').replaceAll(/^ *\/\/ .*\n/gm, '')
}

/** @param {string} name */
function firstChange(name) {
  const [before, after] = [written(name)?.split('\n') ?? [], current.get(name).split('\n')]
  const at = after.findIndex((/** @type {string} */ line, /** @type {number} */ i) => line !== before[i])
  return `  written down: ${before[at]?.trim() ?? 'nothing'}\n  declared:     ${after[at]?.trim() ?? 'nothing'}`
}
