import { posix } from 'node:path'
import type { ESTree } from 'vite'
import { type House, isTest, lineOf, type Source, walk, workspaceOf } from './house.ts'

/** Longer than a reader keeps in mind at once. */
export const MOST_LINES = 400

/** Tables of data, which are looked up rather than read. */
export const DATA_TABLES: ReadonlySet<string> = new Set(['packages/contract/src/routes.ts'])

/** One rule of the linter may be set aside for one line, beside its reason; a whole file may not. */
const HIDDEN = /@ts-(ignore|nocheck|expect-error)|(eslint|oxlint)-disable(?!-(next-)?line [\w/@-]+)/
const UNFINISHED = /\b(TODO|FIXME|XXX)\b/

/** No `any`, and no comment that silences the compiler or the linter. */
export function escapesFromTypes({ sources }: House): string[] {
  return [...sources.values()].flatMap((source) => {
    const problems = source.comments
      .filter(({ text }) => HIDDEN.test(text))
      .map(({ line }) => `${source.path}:${line} silences a check. Mend what it points at.`)
    walk(source, {
      TSAnyKeyword: ({ start }) => {
        problems.push(`${source.path}:${lineOf(source.text, start)} uses any. Say unknown and look, or name the type.`)
      },
    })
    return problems
  })
}

/** A next step is an issue, not a remark. */
export function unfinishedRemarks({ sources, texts }: House): string[] {
  const inSources = [...sources.values()].flatMap(({ path, comments }) =>
    comments.filter(({ text }) => UNFINISHED.test(text)).map(({ line }) => `${path}:${line}`),
  )
  const inTexts = [...texts]
    .filter(([path]) => !sources.has(path))
    .flatMap(([path, text]) => text.split('\n').flatMap((line, i) => (UNFINISHED.test(line) ? `${path}:${i + 1}` : [])))
  return [...inSources, ...inTexts].map((place) => `${place} leaves something for later. Do it, or open an issue.`)
}

/** A test that is switched off, or that switches all others off. */
export function testsSwitchedOff({ sources }: House): string[] {
  const problems: string[] = []
  for (const source of sources.values()) {
    if (!isTest(source.path)) continue
    walk(source, {
      MemberExpression: (node) => {
        const word = switchedOff(node)
        if (word) problems.push(`${source.path}:${lineOf(source.text, node.start)} has ${word}. Let it run.`)
      },
    })
  }
  return problems
}

function switchedOff({ object, property }: ESTree.MemberExpression): string | undefined {
  if (object.type !== 'Identifier' || property.type !== 'Identifier') return undefined
  const isRunner = ['test', 'it', 'describe', 'suite'].includes(object.name)
  return isRunner && ['only', 'skip', 'todo', 'fails'].includes(property.name)
    ? `${object.name}.${property.name}`
    : undefined
}

/** Files stay small enough to read in one go. */
export function longFiles({ sources }: House): string[] {
  return [...sources.values()]
    .filter(({ path }) => !isTest(path) && !DATA_TABLES.has(path))
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > MOST_LINES)
    .map(({ path, lines }) => `${path} has ${lines} lines. Split it by idea, at most ${MOST_LINES} each.`)
}

const EMPTY_WORDS = /Manager|Helper|Util|Enhanced/

/** A name says what a thing is. */
export function emptyNames({ sources }: House): string[] {
  const own = [...sources.values()].filter(({ path }) => workspaceOf(path) !== undefined)
  return own.flatMap((source) => [
    ...(/(^|-)(manager|helpers?|utils?|enhanced)\b/.test(posix.basename(source.path))
      ? [`${source.path} has a name that says nothing. Name it after the main thing inside.`]
      : []),
    ...exportedTypes(source)
      .filter((name) => EMPTY_WORDS.test(name))
      .map((name) => `${source.path} exports ${name}. Say what it is instead.`),
  ])
}

function exportedTypes(source: Source): string[] {
  const names: string[] = []
  walk(source, {
    ExportNamedDeclaration: ({ declaration }) => {
      if (declaration?.type === 'ClassDeclaration' && declaration.id) names.push(declaration.id.name)
      if (declaration?.type === 'TSInterfaceDeclaration') names.push(declaration.id.name)
      if (declaration?.type === 'TSTypeAliasDeclaration') names.push(declaration.id.name)
    },
  })
  return names
}
