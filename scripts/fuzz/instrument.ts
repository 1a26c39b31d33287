import { readFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'
import { parseSync, type ESTree, Visitor } from 'vite'

const MOST_BRANCHES = 1 << 16

/** How often each branch of the instrumented sources ran since this was last cleared, modulo 256. */
export interface BranchCounts {
  readonly counts: Uint8Array
  /** How many of them are in use by now. */
  readonly used: () => number
}

/**
 * From now on every source whose path matches is loaded with a counter at the start of each of its branches: blocks, cases,
 * arms of conditions, right sides of logical operators, bodies of arrows.
 */
export function countBranches(ofPaths: RegExp): BranchCounts {
  const counts = new Uint8Array(MOST_BRANCHES)
  Object.assign(globalThis, { branchCounts: counts })
  let used = 0
  registerHooks({
    load: (url, context, next) => {
      const path = url.startsWith('file:') ? fileURLToPath(url) : ''
      if (!path.endsWith('.ts') || !ofPaths.test(path)) return next(url, context)
      const instrumented = instrument(stripTypeScriptTypes(readFileSync(path, 'utf8')), used)
      used += instrumented.branches
      if (used > MOST_BRANCHES) throw new Error(`more than ${MOST_BRANCHES} branches`)
      return { format: 'module', source: instrumented.code, shortCircuit: true }
    },
  })
  return { counts, used: () => used }
}

interface Insertion {
  readonly at: number
  readonly text: string
  /** Closing ones come before opening ones at the same place, inner ones first. */
  readonly rank: number
}

/** The source with counters `first`, `first` + 1 and so on in its branches, and how many those are. */
export function instrument(source: string, first: number): { code: string; branches: number } {
  const insertions: Insertion[] = []
  let branches = 0
  const count = () => `branchCounts[${first + branches++}]++`
  const insert = (at: number, text: string) => insertions.push({ at, text, rank: 1 + insertions.length })
  const wrap = (node: { start: number; end: number }, open: string, close: string) => {
    insert(node.start, open)
    insertions.push({ at: node.end, text: close, rank: -insertions.length })
  }
  const expression = (node: ESTree.Expression) => wrap(node, `(${count()}, `, ')')
  const statement = (node: ESTree.Statement | null) => {
    if (node && node.type !== 'BlockStatement') wrap(node, `{${count()};`, '}')
  }
  new Visitor({
    BlockStatement: ({ start }) => insert(start + 1, `${count()};`),
    ArrowFunctionExpression: ({ body }) => body.type !== 'BlockStatement' && expression(body),
    SwitchCase: (node) => node.consequent[0] && insert(node.consequent[0].start, `${count()};`),
    ConditionalExpression: ({ consequent, alternate }) => [consequent, alternate].forEach(expression),
    LogicalExpression: ({ right }) => expression(right),
    IfStatement: ({ consequent, alternate }) => [consequent, alternate].forEach(statement),
    ForStatement: ({ body }) => statement(body),
    ForOfStatement: ({ body }) => statement(body),
    WhileStatement: ({ body }) => statement(body),
  }).visit(parseSync('source.js', source).program)
  insertions.sort((a, b) => a.at - b.at || a.rank - b.rank)
  let code = ''
  let from = 0
  for (const { at, text } of insertions) {
    code += source.slice(from, at) + text
    from = at
  }
  return { code: code + source.slice(from), branches }
}
