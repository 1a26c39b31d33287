import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import { type CallOf, type Route, type RouteName, routes, type Scope, type SessionTokens } from '@fog/contract'
import { type AccountId, ManualClock, newId, parseTokens, seededRng, toHex, type UserId } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import { type Access, ensureFirstAdmin, openAccess, openToken, openUser } from '../../access/index.ts'
import { MemoryBlobStore } from '../../blobs/index.ts'
import { type Config, readConfig } from '../../config.ts'
import { MemoryPlatformDatabase } from '../../db/memory/memory-platform-database.ts'
import type { Mixnet } from '../../mixnet/index.ts'
import type { Platform } from '../../platform.ts'
import type { Database, Role } from '../../ports.ts'
import { type Check, type ControlPlaneServer, makeLog, openServer } from '../index.ts'

export interface TestServerOptions {
  readonly limits?: Partial<Config['limits']>
  readonly config?: Partial<Pick<Config, 'publicUrl' | 'trustProxy' | 'consoleDir' | 'metricsToken'>>
  readonly checks?: Readonly<Record<string, Check>>
  /** In memory unless said. */
  readonly database?: Database
  /** Whether it can be reached through a mixnet; not, unless said. */
  readonly hasMixnet?: boolean
  /** Makes the mixnet's directory; there is none unless said. */
  readonly mixnet?: (platform: Platform) => Mixnet | Promise<Mixnet>
}

export interface TestPerson {
  readonly userId: UserId
  readonly accountId: AccountId
  readonly name: string
  readonly password: string
}

/** A whole server on memory stores, a clock moved by hand and seeded chance; requests are injected. */
export interface TestServer {
  readonly server: ControlPlaneServer
  readonly platform: Platform
  readonly access: Access
  readonly clock: ManualClock
  readonly setupCode: string
  /** Every line logged so far. */
  readonly logged: string[]
  addPerson(name: string, role?: Role): Promise<TestPerson>
  /** An API token of theirs. */
  tokenOf(person: TestPerson, scopes: readonly Scope[], days?: number): Promise<string>
  /** The access token of a fresh log-in. */
  logIn(person: TestPerson): Promise<SessionTokens>
  ask<Name extends RouteName>(name: Name, call: TestCall<Name>): Promise<LightMyRequestResponse>
  stop(): Promise<void>
}

export type TestCall<Name extends RouteName> = CallOf<(typeof routes)[Name]> & {
  readonly token?: string
  readonly content?: Uint8Array
  readonly headers?: Record<string, string>
  readonly from?: string
}

export const PASSWORD = 'correct horse battery'

export async function openTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const clock = new ManualClock()
  const logged: string[] = []
  const log = makeLog({ logLevel: 'debug' }, { write: (line) => void logged.push(line) })
  const base = readConfig({})
  const limits = { ...base.limits, requestsPerMinute: 1_000_000, ...options.limits }
  const config: Config = { ...base, ...options.config, limits }
  const rng = seededRng(1)
  const platform: Platform = {
    database: options.database ?? new MemoryPlatformDatabase(),
    blobs: new MemoryBlobStore(),
    clock,
    rng,
    config,
    log,
    hasMixnet: options.hasMixnet,
  }
  const access = await openAccess(platform)
  const setupCode = (await ensureFirstAdmin(platform, access))!
  const { checks } = options
  const mixnet = await options.mixnet?.(platform)
  const server = await openServer({ platform, access, config, log, mixnet, ...(checks && { checks }) })
  const passwordHash = await access.passwords.hash(PASSWORD)

  const ask: TestServer['ask'] = (name, call) => server.app.inject(injection(routes[name], call))
  return {
    server,
    platform,
    access,
    clock,
    setupCode,
    logged,
    ask,
    addPerson: async (name, role = 'member') => {
      const grant = parseTokens('100')
      const user = await platform.database.transact((tx) => openUser(tx, platform, { name, role, grant, passwordHash }))
      return { ...user, password: PASSWORD }
    },
    tokenOf: async (person, scopes, days) => {
      const wanted = { name: 'test', scopes, days, userId: person.userId, address: '::1' }
      return (await platform.database.transact((tx) => openToken(tx, platform, wanted))).secret
    },
    logIn: async ({ name, password }) => {
      const response = await ask('logIn', { body: { name, password, keep: 'body' } })
      return response.json<SessionTokens>()
    },
    stop: () => server.stop(),
  }
}

interface AnyCall {
  readonly params?: Readonly<Record<string, unknown>>
  readonly query?: Readonly<Record<string, unknown>>
  readonly body?: unknown
  readonly token?: string
  readonly content?: Uint8Array
  readonly headers?: Record<string, string>
  readonly from?: string
}

function injection(route: Route, call: AnyCall): InjectOptions {
  const path = route.path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(call.params?.[name])))
  const query = new URLSearchParams(Object.entries(call.query ?? {}).map(([key, value]) => [key, String(value)]))
  const payload = call.content ? Buffer.from(call.content) : (call.body as object | undefined)
  return {
    method: route.method,
    url: query.size > 0 ? `${path}?${query}` : path,
    remoteAddress: call.from ?? '127.0.0.1',
    headers: {
      host: 'fog.test:7070',
      ...(call.token !== undefined && { authorization: `Bearer ${call.token}` }),
      ...(call.content && { 'content-type': 'application/octet-stream' }),
      ...call.headers,
    },
    ...(payload !== undefined && { payload }),
  }
}

/** An id of the kind that nothing has. */
export function strangeId(kind: Parameters<typeof newId>[0]): string {
  return newId(kind, 1, seededRng(99))
}

export function digestOf(content: Uint8Array): string {
  return toHex(sha256(content))
}
