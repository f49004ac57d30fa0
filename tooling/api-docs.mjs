// The API reference of all packages, made of their docstrings.
//     node tooling/api-docs.mjs            writes it to dist/api, which is not committed
//     node tooling/api-docs.mjs --check    writes nothing
// Either fails when something exported has no docstring, or a docstring links to what is not there.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Application, LogLevel, ReflectionKind } from 'typedoc'
import { published, root } from './setup.mjs'

const out = 'dist/api'

/** What people import, by the source file that is its entry. @type {Map<string, string>} */
const entries = new Map()
for (const folder of published()) {
  const { name, exports } = JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'))
  for (const [path, entry] of Object.entries(exports))
    if (entry['@alibi/source'])
      entries.set(join(root, 'packages', folder, entry['@alibi/source']), `${name}${path.slice(1)}`)
}
const app = await Application.bootstrap({
  name: 'alibi',
  tsconfig: join(root, 'tsconfig.json'),
  // Types are checked elsewhere.
  skipErrorChecking: true,
  entryPoints: [...entries.keys()],
  packagesRequiringDocumentation: [...entries.values()],
  validation: { notDocumented: true, notExported: true, invalidLink: true },
  readme: 'none',
  ignoredHighlightLanguages: ['bibtex'],
  disableSources: true,
  logLevel: LogLevel.Warn,
})
const project = await app.convert()
if (!project) process.exit(1)

for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
  const file = project.getSymbolIdFromReflection(module)?.fileName
  const name = entries.get(`${file}`) ?? module.name
  module.name = name
  const [, folder = '', entry] = name.split('/')
  // A package's page begins as its README does.
  if (entry) continue
  const readme = readFileSync(join(root, 'packages', folder, 'README.md'), 'utf8')
  module.readme = [{ kind: 'text', text: readme.replace(/^# .*\n/, '') }]
}
// The docstring of what has a nameless type covers the members of that type. TypeDoc refuses names that need no exemption.
const nameless = project
  .getReflectionsByKind(ReflectionKind.Property | ReflectionKind.CallSignature)
  .filter((member) => !member.hasComment() && !isOfParameter(member))
  .map((member) => member.getFriendlyFullName())
  .filter((name) => /\.__type\.(?!__type$)\w+$/.test(name))
app.options.setValue('intentionallyNotDocumented', [...new Set(nameless)])
app.validate(project)
if (app.logger.hasWarnings() || app.logger.hasErrors()) process.exitCode = 1
else if (process.argv.includes('--check')) console.log(`${entries.size} entries are documented`)
else {
  await app.generateDocs(project, join(root, out))
  console.log(`The API reference is in ${out}/index.html`)
}

/**
 * @param {import('typedoc').Reflection} reflection
 * @returns {boolean}
 */
function isOfParameter({ parent }) {
  return parent !== undefined && (parent.kindOf(ReflectionKind.Parameter) || isOfParameter(parent))
}
