import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Manifest, ownManifest, workspaceManifest } from './manifest.js'
import { type Names, namesOf } from './name.js'

/** What {@link createStrategy} made. */
export interface Created {
  /** The new package's folder, absolute. */
  readonly folder: string
  /** The workspace that it became part of; absent: it is a package of its own. */
  readonly workspace?: string
}

const template = fileURLToPath(new URL('../template', import.meta.url))

/**
 * Scaffolds a strategy's package: in `packages/` if the folder is in a workspace that has `@alibi/core` there, else in a
 * folder of its name. It appears whole or not at all.
 *
 * @param from - the folder to look from. Default: the current one
 * @throws Error, one line, for a name that cannot be used or a folder that is there already
 */
export async function createStrategy(name: string, from = process.cwd()): Promise<Created> {
  const names = namesOf(name)
  const workspace = workspaceOf(resolve(from))
  const folder = workspace ? join(workspace, 'packages', name) : resolve(from, name)
  if (existsSync(folder))
    throw new Error(`create-strategy: expected a new folder, got ${folder}, which is there; take another name`)
  await mkdir(dirname(folder), { recursive: true })
  const beside = await mkdtemp(join(dirname(folder), '.create-strategy-'))
  const draft = join(beside, names.kebab)
  try {
    await fill(draft, names, workspace ? workspaceManifest(names) : ownManifest(names))
    if (workspace) {
      await cp(join(workspace, 'LICENSE'), join(draft, 'LICENSE'))
      await replaceIn(join(draft, 'README.md'), [[`'${name}'`, `'@alibi/${name}'`]])
    } else await writeFile(join(draft, '.gitignore'), 'node_modules/\ndist/\n')
    await rename(draft, folder)
  } finally {
    await rm(beside, { recursive: true, force: true })
  }
  return { folder, ...(workspace && { workspace }) }
}

async function fill(folder: string, { kebab, camel, pascal }: Names, manifest: Manifest): Promise<void> {
  await cp(template, folder, { recursive: true })
  const forms = [
    ['my-strategy', kebab],
    ['myStrategy', camel],
    ['MyStrategy', pascal],
  ] as const
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    await replaceIn(path, forms)
    await rename(path, join(entry.parentPath, entry.name.replace('my-strategy', kebab)))
  }
  for (const [file, content] of Object.entries(manifest))
    await writeFile(join(folder, file), `${JSON.stringify(content, null, 2)}\n`)
}

async function replaceIn(path: string, pairs: readonly (readonly [from: string, to: string])[]): Promise<void> {
  const text = await readFile(path, 'utf8')
  await writeFile(
    path,
    pairs.reduce((all, [from, to]) => all.replaceAll(from, to), text),
  )
}

/** The workspace with `packages/core` that a folder is in. */
function workspaceOf(folder: string): string | undefined {
  const core = join(folder, 'packages/core/package.json')
  if (existsSync(join(folder, 'pnpm-workspace.yaml')) && existsSync(core))
    return JSON.parse(readFileSync(core, 'utf8')).name === '@alibi/core' ? folder : undefined
  return dirname(folder) === folder ? undefined : workspaceOf(dirname(folder))
}
