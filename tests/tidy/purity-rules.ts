import type { ESTree } from 'vite'
import { type House, isTest, lineOf, type Source, walk, workspaceOf } from './house.ts'

const STATEMENT =
  /^\s*(select\s[\s\S]*\sfrom\s|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s|(create|alter|drop)\s+table\s)/i
const DATABASE_LIBRARY = /^(kysely|pg)(\/|$)/

/** The platform's store, and the little database in which a worker keeps what it has yet to report. */
const SQL_HOMES = /^apps\/(control-plane\/src\/db\/|worker\/src\/spool[\w-]*\.ts$)/
const SQL_HOME = 'Only apps/control-plane/src/db knows the database: ask through a store.'

/** SQL has one home. */
export function sqlOutsideDb({ sources }: House): string[] {
  const outside = [...sources.values()].filter(
    ({ path }) => workspaceOf(path) !== undefined && !SQL_HOMES.test(path) && !isTest(path),
  )
  return outside.flatMap((source) => [
    ...source.imports
      .filter(({ from }) => DATABASE_LIBRARY.test(from))
      .map(({ from, line }) => `${source.path}:${line} imports ${from}. ${SQL_HOME}`),
    ...statements(source).map((line) => `${source.path}:${line} has an SQL statement. ${SQL_HOME}`),
  ])
}

function statements(source: Source): number[] {
  const lines: number[] = []
  const look = (text: string, start: number) => {
    if (STATEMENT.test(text)) lines.push(lineOf(source.text, start))
  }
  walk(source, {
    Literal: (node) => typeof node.value === 'string' && look(node.value, node.start),
    TemplateLiteral: (node) => look(node.quasis.map((part) => part.value.cooked ?? '').join('x'), node.start),
  })
  return lines
}

/** A launcher runs before there is TypeScript, so it cannot use `config.ts`; all it sets is where compiled code is kept. */
const LAUNCHERS = /^(apps\/[^/]+\/bin\/[^/]+\.mjs|packages\/kernel\/src\/node\/launch\.mjs)$/

const CONFIG = /^apps\/[^/]+\/src\/([^/]+\/)?config\.ts$/

/** Settings are read in one file a program. */
export function environmentOutsideConfig({ sources }: House): string[] {
  return [...sources.values()]
    .filter(
      ({ path }) => workspaceOf(path) !== undefined && !CONFIG.test(path) && !LAUNCHERS.test(path) && !isTest(path),
    )
    .flatMap((source) =>
      environmentReads(source).map(
        (line) => `${source.path}:${line} reads the environment. Read it in the app's config.ts and pass it on.`,
      ),
    )
}

/** A child process may inherit the environment (`...process.env`, `env: process.env`) or its PATH: that reads no setting. */
function environmentReads(source: Source): number[] {
  const inherited = new Set<number>()
  walk(source, {
    SpreadElement: ({ argument }) => void inherited.add(argument.start),
    Property: ({ key, value }) => key.type === 'Identifier' && key.name === 'env' && inherited.add(value.start),
    MemberExpression: (node) => {
      if (node.object.type === 'MemberExpression' && propertyOf(node) === 'PATH') inherited.add(node.object.start)
    },
  })
  return membersUsed(source)
    .filter(({ name, start }) => name === 'process.env' && !inherited.has(start))
    .map(({ line }) => line)
}

const CLOCK = ['Date.now', 'performance.now', 'process.hrtime']
const CHANCE = ['Math.random', 'crypto.getRandomValues', 'crypto.randomUUID']
const CLOCK_AND_CHANCE = new Set([...CLOCK, ...CHANCE])

/** Packages are handed time and chance. Their tests may measure how long something really took. */
export function clockOrDiceInPackages({ sources }: House): string[] {
  return [...sources.values()]
    .filter(({ path }) => path.startsWith('packages/') && !path.startsWith('packages/kernel/src/node/'))
    .flatMap((source) => {
      const used = membersUsed(source).filter(
        ({ name }) => CLOCK_AND_CHANCE.has(name) && !(name === 'performance.now' && isTest(source.path)),
      )
      const all = [...used, ...newDates(source)]
      return all.map(({ name, line }) => `${source.path}:${line} uses ${name}. Take a Clock or Rng as a parameter.`)
    })
}

interface Use {
  readonly name: string
  readonly start: number
  readonly line: number
}

/** `process.env`, and whatever else is asked of a global by name. */
function membersUsed(source: Source): Use[] {
  const uses: Use[] = []
  walk(source, {
    MemberExpression: (node) => {
      const name = nameOf(node)
      if (name) uses.push({ name, start: node.start, line: lineOf(source.text, node.start) })
    },
  })
  return uses
}

function propertyOf({ property, computed }: ESTree.MemberExpression): string | undefined {
  const name =
    computed && property.type === 'Literal' ? property.value : property.type === 'Identifier' && property.name
  return typeof name === 'string' ? name : undefined
}

function nameOf(node: ESTree.MemberExpression): string | undefined {
  const { object } = node
  const name = propertyOf(node)
  if (name === undefined) return undefined
  if (object.type === 'Identifier') return `${object.name}.${name}`
  const isGlobal = object.type === 'MemberExpression' && nameOf(object)?.startsWith('globalThis.')
  return isGlobal ? `${nameOf(object)?.slice('globalThis.'.length)}.${name}` : undefined
}

function newDates(source: Source): Use[] {
  const uses: Use[] = []
  const add = (start: number) => uses.push({ name: 'new Date()', start, line: lineOf(source.text, start) })
  walk(source, {
    NewExpression: (node) => isDate(node.callee) && node.arguments.length === 0 && add(node.start),
    CallExpression: (node) => isDate(node.callee) && add(node.start),
  })
  return uses
}

function isDate(callee: ESTree.Expression): boolean {
  return callee.type === 'Identifier' && callee.name === 'Date'
}
