import { JobDocument } from '@fog/contract'
import { Compile } from 'typebox/compile'
import { parseDocument } from 'yaml'
import { SdkError } from './sdk-error.ts'

const check = Compile(JobDocument)

/**
 * Reads a job document from YAML or JSON text. `file` is only for the messages.
 * Throws `document.malformed`, or `document.field_invalid` for the first field that is wrong.
 */
export function parseJobDocument(text: string, file = 'the job document'): JobDocument {
  return checkJobDocument(parseText(text, file), file)
}

/** The same for a value that was parsed already. */
export function checkJobDocument(value: unknown, file = 'the job document'): JobDocument {
  if (check.Check(value)) return checkWhole(value, file)
  throw new SdkError({ code: 'document.field_invalid', file, ...firstFault(value) })
}

/** What no single field can say. */
function checkWhole(document: JobDocument, file: string): JobDocument {
  const { program, steps, deadline, within } = document
  const invalid = (field: string, why: string) => new SdkError({ code: 'document.field_invalid', file, field, why })
  if (!program && !steps) throw invalid('the document', 'lacks the field program (or steps)')
  if (deadline !== undefined && within !== undefined)
    throw invalid('within', 'stands beside deadline; keep one of them')
  return document
}

/** Far more than any control plane takes as one request. */
const MOST_CHARACTERS = 64 * 1024 * 1024
/** A small document must not unfold into a large one. */
const MOST_ALIASES = 50

function parseText(text: string, file: string): unknown {
  const malformed = (why: string) => new SdkError({ code: 'document.malformed', file, why: why.replace(/[:.]$/, '') })
  if (text.length > MOST_CHARACTERS) throw malformed('it is far too large')
  try {
    // YAML 1.2 holds JSON. A warning (an unknown tag, say) means that it would be read as something else than was meant.
    const parsed = parseDocument(text, { prettyErrors: true, logLevel: 'error' })
    const [fault] = [...parsed.errors, ...parsed.warnings]
    if (fault) throw fault
    return parsed.toJS({ maxAliasCount: MOST_ALIASES }) as unknown
  } catch (fault) {
    throw malformed(fault instanceof Error ? fault.message.split('\n')[0]! : String(fault))
  }
}

/** What a field wants, where a pattern or a choice of forms would say little to a person. */
const WANTS: Readonly<Record<string, string>> = {
  name: 'must be one line of 1 to 100 characters',
  each: 'must be one of { glob: "tiles/*.json" }, { range: [0, 100] }, { values: [a, b] }, { lines: items.txt } and { matrix: { x: [1, 2], y: [a, b] } }',
  inputs:
    'must map paths under /in, such as /in/palette.txt, to files, and in a step also to { from: split, path: out.txt }',
  after: 'must list names of other steps, such as [split]',
  env: 'must map names of letters, digits and _ to texts (numbers in quotes)',
  require: 'must map lower-case labels to texts, such as region: home',
  avoid: 'must map lower-case labels to texts, such as power: battery',
  prefer: 'must map lower-case labels to texts, such as room: cellar',
  residency: 'must list places, such as [eu, ch]',
  apart: 'must be node, owner or domain',
  together: 'must be node or domain',
  budget: 'must be a positive number of tokens with at most six decimals, such as 50 or 0.25',
  deadline: 'must be an instant such as 2026-12-01T12:00Z',
  within: 'must be a time such as 90m, 2h or 1d12h',
  verify: 'must be auto, none, or { quorum: 2 }',
}

interface Fault {
  readonly keyword: string
  readonly instancePath: string
  readonly schemaPath: string
  readonly message: string
  readonly params: { readonly [name: string]: unknown }
}

/** The deepest faults say most: a choice of forms is at fault in each form it does not have. */
function firstFault(value: unknown): { field: string; why: string } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { field: 'the document', why: 'must be a mapping of fields such as name and program' }
  }
  const faults = (check.Errors(value) as Fault[]).filter(({ keyword }) => keyword !== 'anyOf' && keyword !== 'boolean')
  const depth = Math.max(...faults.map(depthOf))
  const [deepest] = faults.filter((fault) => depthOf(fault) === depth)
  if (!deepest) return { field: 'the document', why: 'is not valid' }
  const path = pathOf(deepest)
  const together = faults.filter(({ instancePath }) => instancePath === deepest.instancePath)
  return { field: path.join('.') || 'the document', why: reason(together, path[0] === 'steps' ? path[2] : path[0]) }
}

function depthOf({ instancePath }: Fault): number {
  return instancePath.split('/').length
}

function pathOf({ instancePath }: Fault): string[] {
  const parts = instancePath.split('/').slice(1)
  return parts.map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** Of several faults at one place, what they mean together. */
function reason(faults: readonly Fault[], topField: string | undefined): string {
  const [fault] = faults
  const wants = topField === undefined ? undefined : WANTS[topField]
  const choices = faults.flatMap(({ params }) => ('allowedValue' in params ? [String(params['allowedValue'])] : []))
  const isOneForm = new Set(faults.map(({ schemaPath }) => schemaPath)).size === 1
  if (wants !== undefined && (!isOneForm || hasPatternOnly(faults))) return wants
  if (choices.length > 0) return `must be ${choices.length > 1 ? 'one of ' : ''}${choices.join(', ')}`
  if (fault?.keyword === 'additionalProperties') return `has the unknown field ${list(fault, 'additionalProperties')}`
  if (fault?.keyword === 'required') return `lacks the field ${list(fault, 'requiredProperties')}`
  return fault?.message ?? 'is not valid'
}

/** Records of free names report a name that does not fit as an unknown one. */
function hasPatternOnly(faults: readonly Fault[]): boolean {
  const isRecord = ({ schemaPath }: Fault) => /\/properties\/(inputs|env|require|matrix)$/.test(schemaPath)
  return faults.every(
    (fault) => fault.keyword === 'pattern' || (fault.keyword === 'additionalProperties' && isRecord(fault)),
  )
}

function list({ params }: Fault, name: string): string {
  const names = params[name]
  return Array.isArray(names) ? names.join(', ') : ''
}
