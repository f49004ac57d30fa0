import { createRequire } from 'node:module'
import type { Names } from './name.js'

const { version: coreVersion } = createRequire(import.meta.url)('@alibi/core/package.json') as { version: string }

/** What a package outside the workspace is developed with. */
export const devDependencies = { typescript: '^6.0.3', vitest: '^4.1.12' }

const about = (name: string, { kebab }: Names) => ({
  name,
  version: '0.1.0',
  description: `${kebab}, a position strategy for transformers`,
  keywords: ['transformer', 'position-encoding', 'attention', 'alibi', 'typescript'],
  license: 'MIT',
  type: 'module',
  sideEffects: false,
  engines: { node: '>=20.19' },
})

/** The files that differ by where the package lives, by path. */
export type Manifest = Readonly<Record<string, unknown>>

/** The manifest of a package in this workspace. It has the fields that `tooling/check-packages.mjs` asks for. */
export const workspaceManifest = (names: Names): Manifest => ({
  'package.json': {
    ...about(`@alibi/${names.kebab}`, names),
    files: ['dist', 'src', 'README.md', 'LICENSE'],
    exports: {
      '.': { types: './dist/index.d.ts', '@alibi/source': './src/index.ts', default: './dist/index.js' },
      './package.json': './package.json',
    },
    scripts: {
      build: 'tsc -p tsconfig.json',
      check: 'publint --strict --pack npm && attw --pack . --profile esm-only',
    },
    publishConfig: { access: 'public', provenance: true },
    dependencies: { '@alibi/core': 'workspace:^' },
  },
  'tsconfig.json': { extends: '../../tsconfig.base.json' },
})

/** The manifest of a package outside any workspace. */
export const ownManifest = (names: Names): Manifest => ({
  'package.json': {
    ...about(names.kebab, names),
    files: ['dist', 'src', 'README.md'],
    exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' }, './package.json': './package.json' },
    scripts: { build: 'tsc -p tsconfig.build.json', prepack: 'npm run build', test: 'tsc && vitest run' },
    dependencies: { '@alibi/core': `^${coreVersion}` },
    devDependencies,
  },
  'tsconfig.json': {
    compilerOptions: {
      target: 'ES2022',
      lib: ['ES2023'],
      module: 'NodeNext',
      types: [],
      strict: true,
      noUncheckedIndexedAccess: true,
      verbatimModuleSyntax: true,
      declaration: true,
      sourceMap: true,
      skipLibCheck: true,
      noEmit: true,
    },
    include: ['src', 'test'],
  },
  'tsconfig.build.json': {
    extends: './tsconfig.json',
    compilerOptions: { noEmit: false, rootDir: 'src', outDir: 'dist' },
    include: ['src'],
  },
})
