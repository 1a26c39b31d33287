import { type Route, type RouteName, routes } from '@fog/contract'
import { expect, test } from 'vitest'
import { openApiDocument } from './openapi.ts'

interface Document {
  readonly openapi: string
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly schemas: Record<string, unknown>; readonly securitySchemes: Record<string, unknown> }
}

interface Operation {
  readonly operationId?: string
  readonly security: Record<string, string[]>[]
  readonly parameters?: { readonly name: string; readonly in: string; readonly required: boolean }[]
  readonly requestBody?: unknown
  readonly responses: Record<string, { readonly content?: Record<string, unknown> }>
}

const document = openApiDocument({ version: '1.2.3', url: 'http://fog.test' }) as unknown as Document
const names = Object.keys(routes) as RouteName[]

test.each(names)('%s is described whole', (name) => {
  const route: Route = routes[name]
  const operation = document.paths[route.path.replace(/:(\w+)/g, '{$1}')]?.[route.method.toLowerCase()]
  expect(operation?.operationId).toBe(name)
  const inPath = (operation?.parameters ?? []).filter((parameter) => parameter.in === 'path')
  expect(inPath.map((parameter) => `:${parameter.name}`)).toEqual(route.path.match(/:\w+/g) ?? [])
  expect(inPath.every(({ required }) => required)).toBe(true)
  expect(operation?.requestBody !== undefined).toBe(route.body !== undefined || route.raw === 'request')
  const good = operation?.responses[String(route.status ?? 200)]
  expect(good?.content !== undefined).toBe(route.response !== undefined || route.raw === 'response')
  expect(operation?.security.length === 0).toBe(route.access === 'open')
  expect(operation?.responses['429']?.content).toHaveProperty(['application/problem+json'])
})

test('describes nothing the contract does not have', () => {
  const described = Object.values(document.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  )
  expect(new Set(described.filter((name) => name !== undefined))).toEqual(new Set([...names, 'followEvents']))
})

test('every reference leads to a schema that has a name', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
    (match) => match[1]!,
  )
  expect(references.length).toBeGreaterThan(50)
  for (const name of references) expect(document.components.schemas).toHaveProperty(name)
  expect(Object.keys(document.components.schemas)).toEqual(
    expect.arrayContaining(['JobView', 'JobSubmission', 'Problem', 'SessionTokens', 'NodeView']),
  )
  expect(document.components.schemas['TaskDetailView']).toMatchObject({
    properties: { task: { $ref: '#/components/schemas/TaskView' } },
  })
})

test('every security name is described, and the version is said', () => {
  const used = Object.values(document.paths).flatMap((path) => Object.values(path).flatMap(({ security }) => security))
  for (const name of used.flatMap((each) => Object.keys(each)))
    expect(document.components.securitySchemes).toHaveProperty(name)
  expect(document).toMatchObject({
    openapi: '3.1.0',
    info: { version: '1.2.3' },
    servers: [{ url: 'http://fog.test' }],
  })
})
