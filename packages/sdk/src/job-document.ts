import { JobDocument } from '@fog/contract'
import { Compile } from 'typebox/compile'
import { parse as parseYaml } from 'yaml'
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
  if (check.Check(value)) return value
  throw new SdkError({ code: 'document.field_invalid', file, ...firstFault(value) })
}

function parseText(text: string, file: string): unknown {
  try {
    // YAML 1.2 holds JSON. Few aliases: a small document must not unfold into a large one.
    return parseYaml(text, { maxAliasCount: 50, prettyErrors: true })
  } catch (fault) {
    const why = fault instanceof Error ? fault.message.split('\n')[0]! : String(fault)
    throw new SdkError({ code: 'document.malformed', file, why: why.replace(/[:.]$/, '') })
  }
}

/** The deepest fault says most: a union's own fault only that no branch fits. */
function firstFault(value: unknown): { field: string; why: string } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { field: 'the document', why: 'must be a mapping of fields such as name and program' }
  }
  const faults = [...check.Errors(value)]
  const telling = faults.filter(({ keyword }) => keyword !== 'anyOf' && keyword !== 'const')
  const worst = (telling.length > 0 ? telling : faults).toSorted((a, b) => depthOf(b) - depthOf(a))[0]
  if (!worst) return { field: 'the document', why: 'is not valid' }
  return { field: fieldName(worst.instancePath), why: reason(worst) }
}

function depthOf({ instancePath }: { instancePath: string }): number {
  return instancePath.split('/').length
}

function fieldName(path: string): string {
  const parts = path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  return parts.length === 0 ? 'the document' : parts.join('.')
}

function reason({ keyword, message, params }: { keyword: string; message?: string; params?: object }): string {
  const facts = (params ?? {}) as { additionalProperties?: string[]; requiredProperties?: string[] }
  if (keyword === 'additionalProperties') return `has the unknown field ${facts.additionalProperties?.join(', ') ?? ''}`
  if (keyword === 'required') return `lacks the field ${facts.requiredProperties?.join(', ') ?? ''}`
  return message ?? 'is not valid'
}
