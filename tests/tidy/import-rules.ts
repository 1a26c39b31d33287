import { builtinModules } from 'node:module'
import { type House, type Import, isTest, type Source, workspaceOf } from './house.ts'

/**
 * Who may import whom, as docs/architecture.md draws it. A workspace that is not here has no place in the house yet: name
 * it in that picture first. `kernel` is everyone's and not listed.
 */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'packages/kernel': [],
  'packages/contract': [],
  'packages/p2p': [],
  'packages/idle': [],
  'packages/fog': [],
  'packages/scheduler': [],
  'packages/tokenomics': [],
  'packages/betanet': ['p2p'],
  'packages/bitchat': ['p2p'],
  'packages/sdk': ['contract'],
  'packages/onion': ['p2p', 'betanet'],
  'apps/control-plane': [
    'contract',
    'p2p',
    'idle',
    'fog',
    'scheduler',
    'tokenomics',
    'betanet',
    'bitchat',
    'sdk',
    'onion',
  ],
  'apps/worker': ['contract', 'p2p', 'betanet', 'onion', 'bitchat', 'idle'],
  'apps/cli': ['contract', 'sdk', 'idle'],
  'apps/console': ['contract', 'p2p', 'bitchat', 'idle'],
}

const BUILTIN = new Set(builtinModules)

/** Packages import in one direction, apps never import each other, and nobody goes in by another's windows. */
export function wrongDirections({ sources, manifests }: House): string[] {
  const problems = [...manifests.keys()]
    .filter((folder) => workspaceOf(folder) === folder && !(folder in MAY_IMPORT))
    .map((folder) => `${folder} is not on the map. Add it to MAY_IMPORT and to docs/architecture.md.`)
  return problems.concat(
    eachImport(sources, (source, { from, line, file }) => wrongDirection(source, from, line, file)),
  )
}

function wrongDirection({ path }: Source, from: string, line: number, file: string | undefined): string | undefined {
  const own = workspaceOf(path)
  if (own === undefined) return undefined
  const target = from.startsWith('@fog/') ? workspaceNamed(from) : file && workspaceOf(file)
  if (target === undefined || target === own) return undefined
  if (from.startsWith('.')) return `${path}:${line} reaches into ${target} by a path. Import its package by name.`
  const name = target.replace('packages/', '')
  if (name === 'kernel' || (MAY_IMPORT[own] ?? []).includes(name)) return undefined
  return `${path}:${line} imports ${target}, which ${own} may not. Move the code, or take the smaller part as a parameter.`
}

function workspaceNamed(from: string): string {
  const name = from.split('/')[1] ?? ''
  return `apps/${name}` in MAY_IMPORT ? `apps/${name}` : `packages/${name}`
}

/** Run on Node as a whole: native cryptography through and through, and no app of a browser may import them. */
const NODE_PACKAGES = /^packages\/(betanet|onion)\//

/** What needs Node lies in a package's src/node and leaves by its /node; the console needs none of it. */
export function nodeOutsideItsFolder({ sources }: House): string[] {
  return eachImport(sources, ({ path }, { from, line, file }) => {
    const isPure = /^packages\/[^/]+\/src\/(?!node\/)/.test(path) || path.startsWith('apps/console/src/')
    if (!isPure || isTest(path) || NODE_PACKAGES.test(path) || !needsNode(from, file)) return undefined
    return `${path}:${line} imports ${from}. Move what needs Node to src/node, or ask for it as a parameter.`
  })
}

function needsNode(from: string, file: string | undefined): boolean {
  return from.startsWith('node:') || BUILTIN.has(from) || /^packages\/[^/]+\/src\/node\//.test(file ?? '')
}

/** A browser hashes only what is whole in memory, so the console brings SHA-256 for files of any size. */
const BROWSER_HASH = 'apps/console/src/pages/submit/hash.ts'

/** One folder touches cryptographic libraries. Tests may, to check it by another way. */
export function cryptoOutsideKernel({ sources }: House): string[] {
  return eachImport(sources, ({ path }, { from, line }) => {
    const isCrypto = /^((node:)?crypto|sodium-native|libsodium.*|@noble\/.*|aez)$/.test(from)
    const isHome = path.startsWith('packages/kernel/src/node/') || path === BROWSER_HASH
    if (!isCrypto || isHome || isTest(path) || workspaceOf(path) === undefined) return undefined
    return `${path}:${line} imports ${from}. Primitives come from @fog/kernel/node; add what is missing there.`
  })
}

/** A package's code uses only what its package.json names. */
export function undeclaredImports({ sources, manifests }: House): string[] {
  return eachImport(sources, ({ path }, { from, line }) => {
    const own = workspaceOf(path)
    const name = packageName(from)
    if (own === undefined || name === undefined) return undefined
    const manifest = manifests.get(own)
    const rootTools = isTest(path) ? manifests.get('.')?.devDependencies : undefined
    const declared = { ...rootTools, ...manifest?.devDependencies, ...manifest?.dependencies }
    if (name in declared || name === manifest?.name) return undefined
    return `${path}:${line} imports ${name}, which ${own}/package.json does not name. Add it there, with an exact version.`
  })
}

function packageName(from: string): string | undefined {
  if (from.startsWith('.') || from.startsWith('node:') || from.startsWith('virtual:') || BUILTIN.has(from))
    return undefined
  return from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/')
}

/** No file leads back to itself, by whatever way. */
export function fileCircles({ sources }: House): string[] {
  const circles: string[] = []
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]) => {
    const start = way.indexOf(path)
    if (start !== -1) circles.push([...way.slice(start), path].join(' -> '))
    if (start !== -1 || done.has(path)) return
    for (const file of filesOf(sources.get(path))) visit(file, [...way, path])
    done.add(path)
  }
  for (const path of sources.keys()) visit(path, [])
  return circles.map((circle) => `${circle}. Move what both need into a third file.`)
}

function filesOf(source: Source | undefined): Set<string> {
  return new Set(source?.imports.flatMap(({ file }) => file ?? []))
}

function eachImport(
  sources: House['sources'],
  problemOf: (source: Source, imported: Import) => string | undefined,
): string[] {
  return [...sources.values()].flatMap((source) =>
    source.imports.flatMap((imported) => problemOf(source, imported) ?? []),
  )
}
