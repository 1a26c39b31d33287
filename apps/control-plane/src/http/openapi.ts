import { STATUS_CODES } from 'node:http'
import * as contract from '@fog/contract'
import { PATHS, Problem, type Route, type RouteName, routes, SCOPES } from '@fog/contract'

export interface OpenApiOptions {
  readonly version: string
  /** Address of this fog. */
  readonly url: string
}

type Json = Record<string, unknown>

/** The API as OpenAPI 3.1 describes it, made of nothing but the contract's routes and schemas. */
export function openApiDocument({ version, url }: OpenApiOptions): Json {
  const names = namedSchemas()
  return {
    openapi: '3.1.0',
    info: {
      title: 'Fog',
      version,
      description:
        'The control plane of a fog. Amounts are tokens as decimal texts, times RFC 3339 in UTC, faults problem+json ' +
        '(RFC 9457) with a `code` that docs/errors.md lists. Unknown fields are refused.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url }],
    tags: tagsOf(),
    paths: pathsOf(names),
    components: {
      schemas: Object.fromEntries([...names].map(([text, name]) => [name, refer(JSON.parse(text), names, name)])),
      securitySchemes: SECURITY,
    },
  }
}

const SECURITY: Json = {
  session: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The access token of a log-in' },
  token: { type: 'http', scheme: 'bearer', description: `An API token (fog_…) with scopes: ${SCOPES.join(', ')}` },
  node: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'The token a worker gets over its channel',
  },
}

function pathsOf(names: ReadonlyMap<string, string>): Json {
  const paths: Record<string, Json> = { ...ownPaths() }
  for (const name of Object.keys(routes) as RouteName[]) {
    const route: Route = routes[name]
    const path = route.path.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(name, route, names) }
  }
  return paths
}

function operationOf(name: RouteName, route: Route, names: ReadonlyMap<string, string>): Json {
  const parameters = [...parametersOf(route.params, 'path', names), ...parametersOf(route.query, 'query', names)]
  return {
    operationId: name,
    summary: route.summary,
    tags: [tagOf(route)],
    security: securityOf(route),
    ...(parameters.length > 0 && { parameters }),
    ...bodyOf(route, names),
    responses: responsesOf(route, names),
  }
}

function securityOf({ access }: Route): Json[] {
  if (access === 'open') return []
  if (access === 'node') return [{ node: [] }]
  if (access === 'session') return [{ session: [] }]
  return [{ session: [access] }, { token: [access] }]
}

function parametersOf(schema: Route['params'], where: 'path' | 'query', names: ReadonlyMap<string, string>): Json[] {
  if (!schema) return []
  const required = new Set((schema as { required?: string[] }).required)
  return Object.entries(schema.properties as Record<string, unknown>).map(([name, property]) => ({
    name,
    in: where,
    required: required.has(name),
    schema: refer(property, names),
  }))
}

const BYTES: Json = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } }

function bodyOf({ body, raw }: Route, names: ReadonlyMap<string, string>): Json {
  if (raw === 'request') return { requestBody: { required: true, content: BYTES } }
  return body ? { requestBody: { required: true, content: jsonContent(body, names) } } : {}
}

function responsesOf(route: Route, names: ReadonlyMap<string, string>): Json {
  const status = route.status ?? 200
  const content = route.raw === 'response' ? BYTES : route.response && jsonContent(route.response, names)
  return {
    [status]: { description: STATUS_CODES[status], ...(content && { content }) },
    ...Object.fromEntries(refusalsOf(route).map((refusal) => [refusal, problemResponse(refusal)])),
    default: { ...problemResponse(500), description: 'Any other refusal or fault' },
  }
}

function refusalsOf({ access, params, body, raw, query }: Route): number[] {
  return [
    ...(params || body || query ? [400] : []),
    ...(access === 'open' ? [] : [401, 403]),
    ...(params ? [404] : []),
    ...(body || raw === 'request' ? [413] : []),
    ...(body ? [415] : []),
    429,
  ]
}

function problemResponse(status: number): Json {
  return {
    description: STATUS_CODES[status],
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    ...(status === 429 && {
      headers: { 'retry-after': { description: 'Seconds to wait', schema: { type: 'integer' } } },
    }),
  }
}

function jsonContent(schema: unknown, names: ReadonlyMap<string, string>): Json {
  return { 'application/json': { schema: refer(schema, names) } }
}

function openPath(summary: string, type: string): Json {
  const responses = { 200: { description: 'OK', content: { [type]: {} } } }
  return { get: { summary, tags: ['server'], security: [], responses } }
}

/** What is served beside the routes. */
function ownPaths(): Record<string, Json> {
  return {
    [PATHS.health]: openPath('Whether the process answers', 'application/json'),
    [PATHS.ready]: openPath('Whether everything it needs answers too', 'application/json'),
    [PATHS.metrics]: openPath('Figures for Prometheus', 'text/plain'),
    [PATHS.openapi]: openPath('This document', 'application/json'),
    [PATHS.events]: {
      get: {
        operationId: 'followEvents',
        summary: 'What happens, as server-sent events; each carries its cursor as id',
        tags: ['events'],
        security: [{ session: ['jobs:read'] }, { token: ['jobs:read'] }],
        parameters: [
          { name: 'after', in: 'query', required: false, schema: { type: 'string' } },
          { name: 'jobId', in: 'query', required: false, schema: { type: 'string' } },
        ],
        responses: {
          200: { description: 'OK', content: { 'text/event-stream': { schema: { type: 'string' } } } },
          410: problemResponse(410),
          default: { ...problemResponse(500), description: 'Any other refusal or fault' },
        },
      },
    },
  }
}

function tagOf({ path }: Route): string {
  return path.split('/')[2] ?? 'server'
}

function tagsOf(): Json[] {
  const tags = new Set(Object.values(routes).map((route) => tagOf(route as Route)))
  return [...tags, 'events', 'server'].map((name) => ({ name }))
}

/** The contract's exported object schemas by their text: a copy of a schema is the same schema. */
function namedSchemas(): Map<string, string> {
  const named = new Map<string, string>([[JSON.stringify(Problem), 'Problem']])
  for (const [name, value] of Object.entries(contract)) {
    if (!isObjectSchema(value) || name.endsWith('Message') || name === 'JobDocument') continue
    const text = JSON.stringify(value)
    if (!named.has(text)) named.set(text, name)
  }
  return named
}

function isObjectSchema(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as { type?: unknown }).type === 'object' &&
    'properties' in value
  )
}

/** A copy in which every named schema is a reference. `self` is the one being described. */
function refer(schema: unknown, names: ReadonlyMap<string, string>, self?: string): unknown {
  if (Array.isArray(schema)) return schema.map((item) => refer(item, names))
  if (schema === null || typeof schema !== 'object') return schema
  const name = names.get(JSON.stringify(schema))
  if (name !== undefined && name !== self) return { $ref: `#/components/schemas/${name}` }
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, refer(value, names)]))
}
