import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Route } from '@fog/contract'
import { HttpError } from './errors.ts'

/** Reads one part of a request, or throws `request.invalid` naming the field and what it wants. */
export type Parse = (value: unknown) => unknown

export interface RequestParsers {
  readonly params: Parse
  readonly query: Parse
  readonly body: Parse
}

/** The readers of a route's parts, compiled once. What a route does not name must not be there. */
export function parsersOf(route: Route): RequestParsers {
  return {
    params: parserOf(route.params, { part: 'address', texts: true }),
    query: parserOf(route.query, { part: 'query', texts: true }),
    body: route.raw === 'request' ? (content) => content : parserOf(route.body, { part: 'body', texts: false }),
  }
}

export interface PartOptions {
  readonly part: 'address' | 'query' | 'body'
  /** Whether every value arrives as text: numbers and truth values are read from it first. */
  readonly texts: boolean
}

/** Reads a value by its schema; without one there must be none. */
export function parserOf(schema: TSchema | undefined, { part, texts }: PartOptions): Parse {
  if (!schema) return (value) => refuseAny(value, part)
  const validator = Compile(schema)
  return (given) => {
    const value = texts ? readTexts(schema, given) : given
    if (validator.Check(value)) return value
    const [first] = validator.Errors(value)
    throw new HttpError({ code: 'request.invalid', ...complaint(schema, value, first, part) })
  }
}

function refuseAny(value: unknown, part: string): undefined {
  // An empty object is what a parser makes of nothing.
  const empty = value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)
  if (!empty) throw new HttpError({ code: 'request.invalid', field: part, wants: 'to be empty' })
  return undefined
}

/** Numbers and truth values of a query or an address, where the schema has them. What does not fit stays for the check. */
function readTexts(schema: TSchema, given: unknown): unknown {
  if (given === null || typeof given !== 'object') return given
  const properties = propertiesOf(schema)
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, readText(properties[key], value)]))
}

function readText(schema: JsonSchema | undefined, value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (schema?.type === 'integer' && /^-?\d{1,15}$/.test(value)) return Number(value)
  if (schema?.type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true'
  return value
}

interface JsonSchema {
  readonly type?: string
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema | readonly JsonSchema[]
  readonly required?: readonly string[]
  readonly pattern?: string
  readonly format?: string
  readonly description?: string
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly maxProperties?: number
}

function propertiesOf(schema: TSchema): Readonly<Record<string, JsonSchema>> {
  return (schema as JsonSchema).properties ?? {}
}

/** What the validator found first. */
interface Finding {
  readonly keyword: string
  readonly instancePath: string
  readonly params: object
}

function complaint(schema: TSchema, value: unknown, first: Finding | undefined, part: string) {
  const path = pathOf(first?.instancePath ?? '')
  const found = schemaAt(schema, path)
  if (first?.keyword === 'required' && !found.cutShort) return missing(found.schema, value, path, part)
  if (first?.keyword === 'additionalProperties' || first?.keyword === 'boolean')
    return unknownField(schema, value, path, part)
  return { field: fieldName(found.path, part), wants: wantsOf(found.schema, part) }
}

function missing(schema: JsonSchema, value: unknown, path: readonly string[], part: string) {
  const given = valueAt(value, path)
  const has = new Set(given !== null && typeof given === 'object' ? Object.keys(given) : [])
  const name = (schema.required ?? []).find((key) => !has.has(key)) ?? ''
  const field = fieldName([...path, name], part)
  return { field, wants: `to be given: ${wantsOf(schema.properties?.[name] ?? {}, part)}` }
}

function unknownField(schema: TSchema, value: unknown, path: readonly string[], part: string) {
  // Reported either at the object or at the field itself; the object is the deepest place the schema knows.
  const { schema: at, path: objectPath } = schemaAt(schema, path)
  const given = valueAt(value, objectPath)
  const keys = given !== null && typeof given === 'object' ? Object.keys(given) : []
  const key = keys.find((name) => childOf(at, name) === undefined) ?? path.at(-1) ?? ''
  const known = Object.keys(at.properties ?? {})
  const patterns = Object.keys(at.patternProperties ?? {})
  const wants =
    patterns.length > 0
      ? `a name of the form ${patterns[0]}`
      : `to be left out: known here are ${known.join(', ') || 'no fields'}`
  return { field: fieldName([...objectPath, key.slice(0, 100)], part), wants }
}

function fieldName(path: readonly string[], part: string): string {
  return path.length === 0 ? part : path.join('.')
}

/** What a schema asks for, as a person would say it. */
function wantsOf(schema: JsonSchema, part: string): string {
  const words = plainWants(schema, part)
  return schema.description && !schema.anyOf ? `${words} (${schema.description})` : words
}

function plainWants(schema: JsonSchema, part: string): string {
  if (schema.anyOf) return list(schema.anyOf.map((choice) => plainWants(choice, part)))
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  switch (schema.type) {
    case 'integer':
      return `a whole number${rangeOf(schema)}`
    case 'number':
      return `a number${rangeOf(schema)}`
    case 'boolean':
      return 'true or false'
    case 'string':
      return `a text${lengthOf(schema)}${schema.pattern ? ` of the form ${schema.pattern}` : ''}`
    case 'array':
      return `a list${countOf(schema)}`
    case 'object':
      return objectWants(schema, part)
    default:
      return 'another value'
  }
}

function objectWants({ properties, maxProperties }: JsonSchema, part: string): string {
  const names = Object.keys(properties ?? {})
  if (names.length > 0) return `an object with ${names.join(', ')}`
  if (maxProperties !== undefined) return `an object with at most ${maxProperties} entries`
  return part === 'body' ? 'a JSON object' : 'named values'
}

function rangeOf({ minimum, maximum, exclusiveMinimum }: JsonSchema): string {
  if (exclusiveMinimum !== undefined)
    return ` above ${exclusiveMinimum}${maximum === undefined ? '' : `, at most ${maximum}`}`
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`
  if (minimum !== undefined) return `, at least ${minimum}`
  return maximum === undefined ? '' : `, at most ${maximum}`
}

function lengthOf({ minLength, maxLength }: JsonSchema): string {
  if (minLength !== undefined && maxLength !== undefined) return ` of ${minLength} to ${maxLength} characters`
  if (minLength !== undefined) return ` of at least ${minLength} characters`
  return maxLength === undefined ? '' : ` of at most ${maxLength} characters`
}

function countOf({ minItems, maxItems }: JsonSchema): string {
  if (minItems !== undefined && maxItems !== undefined) return ` of ${minItems} to ${maxItems} entries`
  if (minItems !== undefined) return ` of at least ${minItems} entries`
  return maxItems === undefined ? '' : ` of at most ${maxItems} entries`
}

function list(choices: readonly string[]): string {
  return choices.length < 2 ? choices.join('') : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)!}`
}

/** Segments of a JSON pointer (RFC 6901). */
function pathOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The deepest schema along the path that is not inside a choice: a field with a choice is wrong as a whole. */
function schemaAt(
  schema: JsonSchema,
  path: readonly string[],
): { schema: JsonSchema; path: string[]; cutShort: boolean } {
  let at = schema
  const walked: string[] = []
  for (const segment of path) {
    const child = at.anyOf ? undefined : childOf(at, segment)
    if (!child) break
    at = child
    walked.push(segment)
  }
  return { schema: at, path: walked, cutShort: walked.length < path.length || at.anyOf !== undefined }
}

function childOf(schema: JsonSchema, segment: string): JsonSchema | undefined {
  if (schema.type === 'array')
    return Array.isArray(schema.items) ? schema.items[Number(segment)] : (schema.items as JsonSchema)
  if (schema.properties && Object.hasOwn(schema.properties, segment)) return schema.properties[segment]
  return Object.entries(schema.patternProperties ?? {}).find(([pattern]) => new RegExp(pattern).test(segment))?.[1]
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, segment) => (at !== null && typeof at === 'object' ? (at as Record<string, unknown>)[segment] : undefined),
    value,
  )
}
