import { readFileSync, readdirSync } from 'node:fs'
import { join, posix } from 'node:path'
import { type ESTree, parseSync, Visitor, type VisitorObject } from 'vite'

/** The repository as the rules see it: every source with its imports, every manifest, every text, by path from the root. */
export interface House {
  readonly sources: ReadonlyMap<string, Source>
  readonly manifests: ReadonlyMap<string, Manifest>
  readonly texts: ReadonlyMap<string, string>
}

export interface Source {
  readonly path: string
  readonly text: string
  readonly program: ESTree.Program
  readonly comments: readonly Remark[]
  readonly imports: readonly Import[]
}

export interface Remark {
  readonly text: string
  readonly line: number
}

export interface Import {
  /** As written. */
  readonly from: string
  readonly line: number
  /** The file it means, when it is one of this house. */
  readonly file: string | undefined
}

export interface Manifest {
  readonly name: string
  readonly dependencies: Readonly<Record<string, string>>
  /** Those only its tools and tests need. */
  readonly devDependencies: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string>>
}

const SOURCE = /\.(ts|tsx|mts|mjs)$/
const READ = /\.(ts|tsx|mts|mjs|json|md|css|html|sh|yaml|c)$/
const LEFT_OUT = new Set(['node_modules', 'dist', 'vectors', 'results', 'screenshots', 'package-lock.json'])
const ROOMS = ['packages', 'apps', 'scripts', 'tests', 'benches', 'examples', 'docs', 'deploy']
const ROOT_FILES = ['package.json', 'README.md', 'CHANGELOG.md', 'vitest.config.ts']

/** Reads the house from disk. */
export function readHouse(root: string): House {
  const rooms = readdirSync(root).filter((name) => ROOMS.includes(name) || ROOT_FILES.includes(name))
  return buildHouse(new Map(rooms.flatMap((room) => filesBelow(root, room))))
}

/** A house from its files' texts by path: what tests make up. */
export function buildHouse(texts: ReadonlyMap<string, string>): House {
  const manifests = new Map<string, Manifest>()
  for (const [path, text] of texts) {
    if (posix.basename(path) === 'package.json') manifests.set(posix.dirname(path), parseManifest(text))
  }
  const resolve = resolverOf(new Set(texts.keys()), manifests)
  const sources = new Map<string, Source>()
  for (const [path, text] of texts) if (SOURCE.test(path)) sources.set(path, parseSource(path, text, resolve))
  return { sources, manifests, texts }
}

/** Walks a source's syntax tree. */
export function walk(source: Source, visitor: VisitorObject): void {
  new Visitor(visitor).visit(source.program)
}

export function lineOf(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++
  return line
}

/** `packages/kernel` for all that lies in it; undefined outside of packages and apps. */
export function workspaceOf(path: string): string | undefined {
  return /^(?:packages|apps)\/[^/]+/.exec(path)?.[0]
}

/** Tests and what only tests use: they may do what the code they look at may not. */
export function isTest(path: string): boolean {
  return /\.test\.tsx?$/.test(path) || /(^|\/)(testing|tests|benches)\//.test(path)
}

function filesBelow(root: string, path: string): [string, string][] {
  const name = posix.basename(path)
  if (LEFT_OUT.has(name)) return []
  if (READ.test(name)) return [[path, readFileSync(join(root, path), 'utf8')]]
  if (name.includes('.')) return []
  try {
    return readdirSync(join(root, path)).flatMap((child) => filesBelow(root, posix.join(path, child)))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return []
    throw error
  }
}

function parseManifest(text: string): Manifest {
  const manifest = JSON.parse(text) as Partial<Manifest> & {
    readonly optionalDependencies?: Record<string, string>
    readonly peerDependencies?: Record<string, string>
  }
  const {
    name = '',
    dependencies,
    optionalDependencies,
    peerDependencies,
    devDependencies = {},
    exports = {},
  } = manifest
  const needed = { ...dependencies, ...optionalDependencies, ...peerDependencies }
  return { name, dependencies: needed, devDependencies, exports }
}

type Resolve = (path: string, from: string) => string | undefined

function resolverOf(paths: ReadonlySet<string>, manifests: ReadonlyMap<string, Manifest>): Resolve {
  const folders = new Map([...manifests].map(([folder, { name }]) => [name, folder]))
  return (path, from) => {
    if (from.startsWith('.')) return existing(paths, posix.join(posix.dirname(path), from))
    const [, name = '', sub = ''] = /^(@[^/]+\/[^/]+|[^/]+)(.*)$/.exec(from) ?? []
    const folder = folders.get(name)
    const target = folder === undefined ? undefined : manifests.get(folder)?.exports[`.${sub}`]
    return folder === undefined || target === undefined ? undefined : existing(paths, posix.join(folder, target))
  }
}

function existing(paths: ReadonlySet<string>, path: string): string | undefined {
  return paths.has(path) ? path : undefined
}

function parseSource(path: string, text: string, resolve: Resolve): Source {
  const { program, comments, errors } = parseSync(path, text)
  const broken = errors[0]
  if (broken) throw new SyntaxError(`${path}: ${broken.message}`)
  const remarks = comments.map(({ value, start }) => ({ text: value, line: lineOf(text, start) }))
  const imports: Import[] = []
  const add = (literal: { value: unknown; start: number }) => {
    if (typeof literal.value !== 'string') return
    imports.push({ from: literal.value, line: lineOf(text, literal.start), file: resolve(path, literal.value) })
  }
  const source = { path, text, program, comments: remarks, imports }
  walk(source, {
    ImportDeclaration: (node) => add(node.source),
    ExportAllDeclaration: (node) => add(node.source),
    ExportNamedDeclaration: (node) => node.source && add(node.source),
    ImportExpression: (node) => node.source.type === 'Literal' && add(node.source),
    TSImportType: (node) => add(node.source),
  })
  return source
}
