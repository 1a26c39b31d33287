import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { type JobSubmission, type Problem, type Route, type RouteName, routes } from '@fog/contract'
import { isId, newId, seededRng } from '@fog/kernel'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FogError } from '@fog/kernel'
import { answerFor } from './errors.ts'
import {
  openTestServer,
  strangeId,
  type TestPerson,
  type TestServer,
  type TestServerOptions,
} from './testing/test-server.ts'

let fog: TestServer
let ada: TestPerson
let token: string
/** Whether the server is as opened, so that the next test can share it. */
let isShared = false
beforeEach(async () => {
  if (!isShared) await open()
  isShared = true
})
afterAll(() => fog.stop())

/** A server of the test's own. */
async function open(options: TestServerOptions = {}): Promise<void> {
  if (fog) await fog.stop()
  isShared = false
  fog = await openTestServer(options)
  ada = await fog.addPerson('ada')
  token = await fog.tokenOf(ada, ['jobs:read', 'jobs:write', 'nodes:write', 'account:write'])
}

const inject = (method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD' | 'OPTIONS', url: string, more: object = {}) =>
  fog.server.app.inject({ method, url, ...more })

const submit = async (body: unknown) => {
  const response = await fog.ask('submitJob', { body: body as JobSubmission, token })
  return { ...response.json<Problem>(), status: response.statusCode }
}

/** Something valid to say to each route, so that only the door can refuse. */
function sayTo(route: Route): { url: string } {
  const ids: Record<string, string> = {
    jobId: strangeId('job'),
    taskId: strangeId('task'),
    nodeId: strangeId('node'),
    userId: strangeId('user'),
    tokenId: strangeId('token'),
    joinTokenId: strangeId('joinToken'),
    sessionId: strangeId('session'),
    attemptId: strangeId('attempt'),
    digest: DIGEST,
  }
  return { url: route.path.replace(/:(\w+)/g, (_, name: string) => ids[name]!) }
}

const askThrough = (forwarded: string) =>
  fog.ask('getMe', { token: 'fog_wrong', from: '10.0.0.1', headers: { 'x-forwarded-for': forwarded } })

const bearer = (authorization: string) => ({ remoteAddress: '192.0.2.1', headers: { authorization } })

const DIGEST = 'a'.repeat(64)
const SUBMISSION: JobSubmission = { name: 'x', program: { kind: 'wasm', digest: DIGEST }, tasks: [{ item: '1' }] }

describe('what is wrong with a request', () => {
  test.each([
    [
      'an unknown field',
      { ...SUBMISSION, colour: 'red' },
      /^In the request, "colour" is not right\. It wants to be left out: known here are .*program/,
    ],
    [
      'a misspelt field inside',
      { ...SUBMISSION, resources: { core: 1 } },
      /^In the request, "resources\.core" .*known here are cores, memoryMiB/,
    ],
    [
      'a missing field',
      { program: SUBMISSION.program, tasks: [] },
      /^In the request, "name" is not right\. It wants to be given: a text of 1 to 100 characters/,
    ],
    ['a wrong type', { ...SUBMISSION, name: 7 }, /^In the request, "name" .* It wants a text of 1 to 100 characters/],
    [
      'a number out of range',
      { ...SUBMISSION, retries: 99 },
      /^In the request, "retries" .* a whole number from 0 to 20/,
    ],
    [
      'a wrong choice',
      { ...SUBMISSION, tier: 'gould' },
      /^In the request, "tier" .* It wants "platinum", "gold", "silver" or "bronze"/,
    ],
    [
      'a wrong choice of shapes',
      { ...SUBMISSION, verify: { quorum: 1 } },
      /^In the request, "verify" .* "auto", "none" or an object with quorum/,
    ],
    [
      'a place in a list',
      { ...SUBMISSION, tasks: [{ item: '1' }, { item: 2 }] },
      /^In the request, "tasks\.1\.item" .* a text/,
    ],
    ['an entry name', { ...SUBMISSION, env: { '1BAD': 'x' } }, /^In the request, "env\.1BAD" .* a name of the form/],
    [
      'a path that leaves its folder',
      { ...SUBMISSION, inputs: [{ path: '/in/../etc', digest: DIGEST }] },
      /^In the request, "inputs\.0\.path"/,
    ],
    ['no tasks', { ...SUBMISSION, tasks: [] }, /^In the request, "tasks" .* a list of 1 to 100000 entries/],
    ['no object at all', [1, 2], /^In the request, "body" is not right\. It wants an object with/],
  ])('%s is named in words', async (_, body, words) => {
    const problem = await submit(body)
    expect(problem).toMatchObject({ status: 400, code: 'request.invalid' })
    expect(problem.detail).toMatch(words)
  })

  test('a problem has the form of RFC 9457 and names the request', async () => {
    const response = await fog.ask('submitJob', { body: {} as JobSubmission, token })
    expect(response.headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(response.json()).toEqual({
      type: 'urn:fog:error:request.invalid',
      title: 'Bad Request',
      status: 400,
      code: 'request.invalid',
      detail: expect.stringContaining('"name"') as string,
      facts: { field: 'name', wants: expect.any(String) as string },
      requestId: response.headers['x-request-id'],
    })
  })

  test.each([
    ['malformed JSON', '{"name": ', 400, 'request.malformed'],
    ['nothing', '', 400, 'request.malformed'],
    ['a poisoned prototype', '{"__proto__": {"x": 1}}', 400, 'request.malformed'],
  ])('%s is refused', async (_, payload, status, code) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const response = await inject('POST', '/v1/jobs', { payload, headers })
    expect([response.statusCode, response.json<Problem>().code]).toEqual([status, code])
  })

  test('other content types and oversized bodies are refused', async () => {
    await open({ limits: { maxBodyBytes: 1000 } })
    const headers = { authorization: `Bearer ${token}` }
    const xml = await inject('POST', '/v1/jobs', {
      payload: '<job/>',
      headers: { ...headers, 'content-type': 'text/xml' },
    })
    expect([xml.statusCode, xml.json<Problem>().code]).toEqual([415, 'http.media_type'])
    const large = await fog.ask('submitJob', { body: { ...SUBMISSION, args: ['x'.repeat(2000)] }, token })
    expect([large.statusCode, large.json<Problem>().code]).toEqual([413, 'http.body_too_large'])
    expect(large.json<Problem>().detail).toContain('larger than the 1000 bytes')
  })

  test('queries and addresses are read strictly', async () => {
    const list = async (query: string) => {
      const response = await inject('GET', `/v1/jobs?${query}`, { headers: { authorization: `Bearer ${token}` } })
      return response.statusCode === 200 ? 200 : response.json<Problem>().detail
    }
    expect(await list('limit=10')).toBe(200)
    expect(await list('limit=ten')).toContain('a whole number from 1 to 1000')
    expect(await list('limit=0')).toContain('a whole number from 1 to 1000')
    expect(await list('limit=1&limit=2')).toContain('"limit"')
    expect(await list('lmit=1')).toContain('known here are limit, after, status, all')
    expect(await list('all=yes')).toContain('true or false')
    expect(await list('after=job_x')).toContain('is not a job id')
    const response = await inject('GET', '/v1/jobs/job_x', { headers: { authorization: `Bearer ${token}` } })
    expect(response.json<Problem>().detail).toContain('"jobId" is not right')
    const open = await inject('GET', '/v1/setup?x=1')
    expect(open.json<Problem>().detail).toContain('"query" is not right')
  })

  test('an address nobody serves, a path that cannot be read and a wrong method are answered alike', async () => {
    for (const [method, url] of [
      ['GET', '/v1/nothing'],
      ['DELETE', '/v1/jobs'],
      ['OPTIONS', '/v1/jobs'],
      ['GET', '/nowhere'],
    ] as const) {
      const response = await inject(method, url)
      expect([url, response.statusCode, response.json<Problem>().code]).toEqual([url, 404, 'http.not_found'])
      expect(response.headers['access-control-allow-origin']).toBeUndefined()
    }
    const broken = await inject('GET', '/v1/jobs/%zz')
    expect([broken.statusCode, broken.json<Problem>().code]).toEqual([400, 'request.malformed'])
  })
})

describe('the door', () => {
  const guarded = (Object.keys(routes) as RouteName[]).filter((name) => (routes[name] as Route).access !== 'open')

  test.each(guarded)('%s lets nobody in without a good token', async (name) => {
    const route: Route = routes[name]
    const { url } = sayTo(route)
    const code = async (authorization?: string) => {
      const headers = authorization === undefined ? {} : { authorization }
      // An address for each route, so that its wrong tokens are counted alone.
      const remoteAddress = `10.0.0.${guarded.indexOf(name)}`
      const response = await fog.server.app.inject({ method: route.method as 'GET', url, headers, remoteAddress })
      expect(response.statusCode).toBe(401)
      return response.json<Problem>().code
    }
    expect(await code()).toBe('access.login_needed')
    for (const wrong of ['Bearer fog_wrong', 'Bearer a.b.c', 'Basic eDp5', 'Bearer', `Bearer ${'x'.repeat(5000)}`]) {
      expect(await code(wrong)).toBe('access.token_invalid')
    }
  })

  test.each(guarded)('%s needs its own right', async (name) => {
    const route: Route = routes[name]
    const { url } = sayTo(route)
    const wrongScope = route.access === 'ledger:read' ? 'jobs:read' : 'ledger:read'
    const weak = await fog.tokenOf(ada, [wrongScope])
    const headers = { authorization: `Bearer ${weak}` }
    const response = await fog.server.app.inject({ method: route.method as 'GET', url, headers })
    const expected = { session: 'access.session_needed', node: 'access.token_invalid' }[
      route.access as 'session' | 'node'
    ]
    expect(response.json<Problem>().code).toBe(expected ?? 'access.scope_missing')
  })

  test('a token signed by somebody else, or for something else, opens nothing', async () => {
    const other = await openTestServer()
    const { token: nodes } = await fog.access.signer.mintNodeToken(newId('node', 1, seededRng(5)))
    const foreignSeed = await (await import('../access/signer.ts')).Signer.open(new Uint8Array(32).fill(9), fog.clock)
    const { token: foreign } = await foreignSeed.mintAccessToken(ada.userId, newId('session', 1, seededRng(5)))
    for (const wrong of [nodes, foreign]) expect((await fog.ask('getMe', { token: wrong })).statusCode).toBe(401)
    const [header, payload] = (await fog.logIn(ada)).accessToken.split('.')
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`
    const cut = `${header}.${payload}.`
    for (const wrong of [none, cut]) expect((await fog.ask('getMe', { token: wrong })).statusCode).toBe(401)
    await other.stop()
  })

  test('after many wrong tokens from one address none is looked at for a while, from others they are', async () => {
    await open()
    const wrong = () => fog.ask('getMe', { token: 'fog_wrong', from: '198.51.100.7' })
    for (let i = 0; i < 60; i += 1) await wrong()
    const refused = await wrong()
    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([429, '1'])
    expect((await fog.ask('getMe', { token, from: '198.51.100.7' })).statusCode).toBe(429)
    expect((await fog.ask('getMe', { token, from: '198.51.100.8' })).statusCode).toBe(200)
    fog.clock.advance(1000)
    expect((await fog.ask('getMe', { token, from: '198.51.100.7' })).statusCode).toBe(200)
  })
})

describe('limits', () => {
  test('count each caller for itself and say when to come back', async () => {
    await open({ limits: { requestsPerMinute: 3 } })
    const eve = await fog.tokenOf(await fog.addPerson('eve'), ['jobs:read'])
    const me = (as: string) => fog.ask('getMe', { token: as })
    for (let i = 0; i < 3; i += 1) expect((await me(token)).statusCode).toBe(200)
    const refused = await me(token)
    expect([refused.statusCode, refused.json<Problem>().code]).toEqual([429, 'http.too_many_requests'])
    expect(refused.headers['retry-after']).toBe('20')
    expect((await me(eve)).statusCode).toBe(200)
    fog.clock.advance(20_000)
    expect((await me(token)).statusCode).toBe(200)
  })

  test('a route with its own limit has its own count', async () => {
    for (let i = 0; i < 10; i += 1) {
      await fog.ask('setup', {
        body: { code: 'x', name: 'xx', password: 'long enough', keep: 'body' },
        from: '192.0.2.1',
      })
    }
    const setup = { body: { code: 'x', name: 'xx', password: 'long enough', keep: 'body' } as const, from: '192.0.2.1' }
    expect((await fog.ask('setup', setup)).statusCode).toBe(429)
    expect((await fog.ask('getSetup', { from: '192.0.2.1' })).statusCode).toBe(200)
  })

  test('behind a trusted proxy the caller is who the proxy saw, whatever they claim', async () => {
    await open({ config: { trustProxy: true } })
    for (let i = 0; i < 60; i += 1) await askThrough(`1.2.3.${i}, 198.51.100.7`)
    expect((await askThrough('9.9.9.9, 198.51.100.7')).statusCode).toBe(429)
    expect((await askThrough('198.51.100.7, 203.0.113.3')).statusCode).toBe(401)
  })
})

describe('probes', () => {
  test('healthz answers, readyz tells what is missing without saying why', async () => {
    await open({ checks: { loops: () => Promise.reject(new Error('password of the database is 1234')) } })
    expect((await inject('GET', '/healthz')).json()).toEqual({ status: 'ok' })
    const ready = await inject('GET', '/readyz')
    expect([ready.statusCode, ready.json()]).toEqual([
      503,
      { status: 'not ready', checks: { database: 'ok', loops: 'failing' } },
    ])
    await open()
    expect((await inject('GET', '/readyz')).statusCode).toBe(200)
  })

  test('metrics are for this machine, unless there is a token', async () => {
    await open()
    await fog.ask('getMe', { token })
    const here = await inject('GET', '/metrics', { remoteAddress: '127.0.0.1' })
    expect(here.body).toMatch(/fog_http_request_seconds_count\{method="GET",route="\/v1\/me",status="200"\} 1/)
    expect(here.body).toContain('fog_queue_tasks{tier="gold",state="queued"} 0')
    for (const line of here.body.split('\n'))
      expect(line === '' || line.startsWith('#') || line.startsWith('fog_')).toBe(true)
    expect((await inject('GET', '/metrics', { remoteAddress: '192.0.2.1' })).statusCode).toBe(404)
    const proxied = { remoteAddress: '127.0.0.1', headers: { 'x-forwarded-for': '192.0.2.1' } }
    expect((await inject('GET', '/metrics', proxied)).statusCode).toBe(404)

    await open({ config: { metricsToken: 'for-prometheus' } })
    expect((await inject('GET', '/metrics', bearer('Bearer for-prometheus'))).statusCode).toBe(200)
    expect((await inject('GET', '/metrics', bearer('Bearer another'))).statusCode).toBe(401)
    expect((await inject('GET', '/metrics', { remoteAddress: '127.0.0.1' })).statusCode).toBe(401)
  })
})

describe('headers', () => {
  test('tell browsers to trust an answer with nothing', async () => {
    const response = await fog.ask('getMe', { token })
    expect(response.headers).toMatchObject({
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    })
    expect(response.headers['strict-transport-security']).toBeUndefined()
    expect(isId('job', String(response.headers['x-request-id']))).toBe(false)
    expect(response.headers['x-request-id']).toMatch(/^req_[0-9a-z]{16}$/)
  })

  test('ask for TLS for ever where the caller came over TLS', async () => {
    await open({ config: { trustProxy: true } })
    const response = await inject('GET', '/healthz', { headers: { 'x-forwarded-proto': 'https' } })
    expect(response.headers['strict-transport-security']).toContain('max-age=31536000')
  })
})

describe('the console', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fog-console-'))
    await mkdir(join(folder, 'dist', 'assets'), { recursive: true })
    await writeFile(join(folder, 'secret.txt'), 'not for you')
    await writeFile(join(folder, 'dist', '.hidden'), 'not for you')
    await writeFile(join(folder, 'dist', 'index.html'), '<!doctype html><title>Fog</title>')
    await writeFile(join(folder, 'dist', 'assets', 'app-1a2b.js'), 'export {}')
    await open({ config: { consoleDir: join(folder, 'dist') } })
  })
  afterEach(() => rm(folder, { recursive: true }))

  const HTML = { headers: { accept: 'text/html' } }

  test('is served with a policy that runs no inline script; its hashed files are kept for ever', async () => {
    const page = await inject('GET', '/', HTML)
    expect(page.headers['cache-control']).toBe('no-cache')
    const policy = String(page.headers['content-security-policy'])
    expect(policy).toContain("script-src 'self';")
    expect(policy).toContain("frame-ancestors 'none'")
    const script = await inject('GET', '/assets/app-1a2b.js')
    expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(script.headers['content-type']).toContain('javascript')
  })

  test('answers its own addresses with the page, and the API’s never', async () => {
    const deep = await inject('GET', '/jobs/job_1?tab=logs', HTML)
    expect([deep.statusCode, deep.body]).toEqual([200, '<!doctype html><title>Fog</title>'])
    expect(deep.headers['cache-control']).toBe('no-cache')
    expect((await inject('GET', '/v1/nothing', HTML)).statusCode).toBe(404)
    expect((await inject('GET', '/assets/gone-9.js', HTML)).statusCode).toBe(404)
    expect((await inject('POST', '/jobs', HTML)).statusCode).toBe(404)
    expect((await inject('GET', '/jobs', { headers: { accept: 'application/json' } })).statusCode).toBe(404)
  })

  test.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/assets/%2e%2e%2f%2e%2e%2fsecret.txt',
    '/..\\secret.txt',
    '/%5c..%5csecret.txt',
    '//secret.txt',
    '/.hidden',
    '/index.html%00.txt',
  ])('never answers %s with a file from outside or a hidden one', async (url) => {
    const response = await inject('GET', url)
    expect(response.body).not.toContain('not for you')
    expect(response.statusCode).toBeGreaterThanOrEqual(400)
    expect(response.statusCode).toBeLessThan(500)
  })

  test('says how to build it where it is not built', async () => {
    await open()
    expect((await inject('GET', '/')).body).toContain('npm run console:build')
    await open({ config: { consoleDir: join(folder, 'nowhere') } })
    expect((await inject('GET', '/', HTML)).body).toContain('npm run console:build')
  })
})

describe('faults of our own', () => {
  test('answer a request id, leak nothing, and stand in the log', async () => {
    await open()
    fog.platform.database.read.jobs.listJobs = () => Promise.reject(new Error('connect to 10.1.2.3 as fog:hunter2'))
    const response = await fog.ask('listJobs', { token })
    expect(response.statusCode).toBe(500)
    expect(response.json<Problem>().code).toBe('http.internal')
    expect(response.body).not.toContain('hunter2')
    const { requestId } = response.json<Problem>()
    const line = fog.logged.find((each) => each.includes('a request failed'))!
    expect(line).toContain(requestId)
    expect(line).toContain('hunter2')
  })

  test('an error code nobody listed is a fault of ours', () => {
    const { problem, fault } = answerFor(new FogError({ code: 'made.up', secret: 's3cret' } as never), 'req_1')
    expect(problem).toMatchObject({ status: 500, code: 'http.internal' })
    expect(JSON.stringify(problem)).not.toContain('s3cret')
    expect(fault).toBeInstanceOf(FogError)
  })

  test('logs hold no token and no address beyond the route', async () => {
    await fog.ask('getBlob', { params: { digest: DIGEST }, query: { name: 'diary.txt' }, token })
    const lines = fog.logged.join('')
    expect(lines).toContain('"route":"/v1/blobs/:digest"')
    expect(lines).not.toContain('diary')
    expect(lines).not.toContain(token)
  })
})

test('no body whatsoever makes a route fail', async () => {
  await open()
  const root = await fog.addPerson('root', 'admin')
  const tokens = [token, await fog.tokenOf(root, ['admin']), (await fog.logIn(root)).accessToken]
  const withBody = (Object.keys(routes) as RouteName[]).filter((name) => (routes[name] as Route).body)
  const near = fc.record(
    {
      name: fc.anything(),
      program: fc.anything(),
      tasks: fc.anything(),
      keep: fc.anything(),
      password: fc.string(),
      amount: fc.string(),
    },
    { requiredKeys: [] },
  )
  const body = fc.oneof(
    fc.json(),
    near.map((value) => JSON.stringify(value)),
    fc.string(),
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...withBody), body, fc.constantFrom(...tokens), async (name, payload, used) => {
      const route: Route = routes[name]
      const url = route.path.replace(/:(\w+)Id/g, (_, kind: 'job') => strangeId(kind))
      const headers = { authorization: `Bearer ${used}`, 'content-type': 'application/json' }
      const response = await fog.server.app.inject({ method: route.method as 'POST', url, payload, headers })
      expect(response.statusCode, `${name} ${payload} ${response.body}`).toBeLessThan(500)
    }),
    { numRuns: 400 },
  )
})
