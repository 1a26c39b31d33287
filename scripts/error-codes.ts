import { type ESTree, Visitor } from 'vite'

export interface ErrorCode {
  readonly code: string
  readonly says: string
  readonly fix: string
  /** The file whose class throws it. */
  readonly path: string
}

interface ParsedFile {
  readonly path: string
  readonly program: ESTree.Program
}

/**
 * The error codes of all classes with `static override readonly texts`, sorted. `problems` names texts that cannot be read
 * off the source, and codes that two classes claim.
 */
export function readErrorCodes(files: Iterable<ParsedFile>): { codes: ErrorCode[]; problems: string[] } {
  const codes: ErrorCode[] = []
  const problems: string[] = []
  for (const { path, program } of files) {
    if (/\.test\.tsx?$/.test(path)) continue
    for (const texts of textsIn(program)) {
      const read = readTexts(texts, path)
      if (read) codes.push(...read)
      else problems.push(`${path} has error texts that are not written out. Write each as code: { says, fix }.`)
    }
  }
  codes.sort((a, b) => (a.code < b.code ? -1 : 1))
  for (const [i, { code, path }] of codes.entries()) {
    const before = codes[i - 1]
    if (before?.code === code) problems.push(`${code} stands in ${before.path} and in ${path}. Give it one home.`)
  }
  return { codes, problems }
}

/** The page of all errors, as docs/errors.md holds it. */
export function errorDocs(codes: readonly ErrorCode[]): string {
  const layers = new Map<string, ErrorCode[]>()
  for (const code of codes) {
    const layer = code.code.split('.')[0] ?? ''
    layers.set(layer, [...(layers.get(layer) ?? []), code])
  }
  const sections = [...layers].map(([layer, inLayer]) => {
    const rows = inLayer.map(({ code, says, fix }) => `| \`${code}\` | ${cell(says)} | ${cell(fix)} |`)
    return `## ${layer}\n| code | what happened | what to do |\n| --- | --- | --- |\n${rows.join('\n')}\n`
  })
  return `${HEAD}\n${sections.join('\n')}`
}

const HEAD = `# Errors

Every error the platform throws on purpose, by its code. HTTP answers carry the code in \`code\` (problem+json), the CLI prints
it with \`--json\`; a word in braces is filled in where it happens. Written by \`npm run docs:errors\` from the code.
`

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function textsIn(program: ESTree.Program): ESTree.Expression[] {
  const found: ESTree.Expression[] = []
  new Visitor({
    PropertyDefinition: (node) => {
      const isTexts = node.static && node.override && node.key.type === 'Identifier' && node.key.name === 'texts'
      if (isTexts && node.value) found.push(node.value)
    },
  }).visit(program)
  return found
}

function readTexts(value: ESTree.Expression, path: string): ErrorCode[] | undefined {
  const entries = entriesOf(value)
  const codes = entries?.map(([code, text]) => {
    const parts = new Map(entriesOf(text))
    const [says, fix] = [textOf(parts.get('says')), textOf(parts.get('fix'))]
    return says === undefined || fix === undefined ? undefined : { code, says, fix, path }
  })
  return codes?.every((code) => code !== undefined) ? codes : undefined
}

/** Key and value of each property of an object that is written out, or undefined. */
function entriesOf(value: ESTree.Expression): [string, ESTree.Expression][] | undefined {
  const bare = unwrapped(value)
  if (bare.type !== 'ObjectExpression') return undefined
  const entries: [string, ESTree.Expression][] = []
  for (const property of bare.properties) {
    if (property.type !== 'Property') return undefined
    const { key } = property
    const name = key.type === 'Identifier' ? key.name : key.type === 'Literal' ? String(key.value) : undefined
    if (name === undefined) return undefined
    entries.push([name, property.value])
  }
  return entries
}

function textOf(value: ESTree.Expression | undefined): string | undefined {
  const bare = value && unwrapped(value)
  if (bare?.type === 'Literal' && typeof bare.value === 'string') return bare.value
  if (bare?.type === 'TemplateLiteral' && bare.expressions.length === 0)
    return bare.quasis[0]?.value.cooked ?? undefined
  if (bare?.type !== 'BinaryExpression' || bare.operator !== '+') return undefined
  const [left, right] = [textOf(bare.left), textOf(bare.right)]
  return left === undefined || right === undefined ? undefined : left + right
}

function unwrapped(value: ESTree.Expression): ESTree.Expression {
  const isWrapped = value.type === 'TSAsExpression' || value.type === 'TSSatisfiesExpression'
  return isWrapped ? unwrapped(value.expression) : value
}
