import { type IncomingMessage, request } from 'node:http'
import type { JobView } from '@fog/contract'
import { toHex } from '@fog/kernel'
import { systemClock, systemRng } from '@fog/kernel/node'
import { MemoryNetwork, type PeerId, StreamMultiplexer } from '@fog/p2p'
import { StreamDuplex } from '@fog/p2p/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { arrivalOf } from '../mixnet/entry/arrivals.ts'
import { digestOf, openTestServer, type TestPerson, type TestServer } from './testing/test-server.ts'
import { addNode, connect, NOOP } from './testing/test-work.ts'

/** What is answered about a secret job, by the way the question came. The mixnet here is a network in memory. */

let fog: TestServer
let ada: TestPerson
let token: string
let streams: readonly StreamMultiplexer[]
let open: () => StreamDuplex
const PROGRAM = digestOf(NOOP)

beforeEach(async () => {
  fog = await openTestServer({ hasMixnet: true })
  ada = await fog.addPerson('ada', 'admin')
  token = await fog.tokenOf(ada, ['jobs:read', 'jobs:write', 'nodes:read', 'nodes:write', 'ledger:read', 'admin'])
  await connect(fog, await addNode(fog, ada, 'hidden'), 'mixnet')
  await connect(fog, await addNode(fog, ada, 'open'))
  const network = new MemoryNetwork()
  const [entry, peer] = [toHex(systemRng.bytes(32)) as PeerId, toHex(systemRng.bytes(32)) as PeerId]
  const world = { clock: systemClock, rng: systemRng }
  const accept = (stream: Parameters<typeof arrivalOf>[0]) => fog.server.connect(arrivalOf(stream))
  const serving = new StreamMultiplexer({ ...world, transport: network.join(entry), accept })
  const asking = new StreamMultiplexer({ ...world, transport: network.join(peer) })
  streams = [serving, asking]
  open = () => new StreamDuplex(asking.open(entry))
})

afterEach(async () => {
  for (const each of streams) each.close()
  await fog.stop()
})

interface Answer {
  readonly status: number
  readonly body: { readonly code?: string; readonly items?: readonly JobView[]; readonly [name: string]: unknown }
}

interface Wish {
  readonly method?: 'POST' | 'PUT' | 'DELETE'
  readonly json?: unknown
  readonly content?: Uint8Array
}

/** Asks through the mixnet. */
async function hidden(path: string, { method, json, content }: Wish = {}): Promise<Answer> {
  const body = content ?? (json === undefined ? undefined : Buffer.from(JSON.stringify(json)))
  const type = content ? 'application/octet-stream' : 'application/json'
  const headers = {
    authorization: `Bearer ${token}`,
    ...(body && { 'content-type': type, 'content-length': body.length }),
  }
  const sent = request({ path, method: method ?? 'GET', headers, createConnection: open })
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  sent.on('response', resolve).on('error', reject).end(body)
  const answer = await promise
  const parts: Buffer[] = []
  for await (const part of answer) parts.push(part as Buffer)
  const text = Buffer.concat(parts).toString()
  return { status: answer.statusCode ?? 0, body: text.startsWith('{') ? (JSON.parse(text) as Answer['body']) : {} }
}

function submission(more: object = {}) {
  return {
    name: 'job',
    program: { kind: 'wasm' as const, digest: PROGRAM },
    tasks: [{ item: 'a' }],
    verify: 'none' as const,
    ...more,
  }
}

async function submitSecretly(): Promise<string> {
  expect((await hidden(`/v1/blobs/${PROGRAM}`, { method: 'PUT', content: NOOP })).status).toBe(204)
  const { status, body } = await hidden('/v1/jobs', { method: 'POST', json: submission({ privacy: 'secret' }) })
  expect([status, body]).toEqual([201, expect.objectContaining({ privacy: 'secret' })])
  return String(body['jobId'])
}

async function openly(path: string, method: 'GET' | 'POST' | 'DELETE' = 'GET', payload?: object): Promise<Answer> {
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fog.server.app.inject({ method, url: path, headers, ...(payload && { payload }) })
  return { status: answer.statusCode, body: answer.body.startsWith('{') ? answer.json() : {} }
}

describe('a secret job', () => {
  test('is answered for through the mixnet, and to nobody who asks directly', async () => {
    const jobId = await submitSecretly()
    const paths = ['', '/tasks', '/results', '/receipt', '/why'].map((part) => `/v1/jobs/${jobId}${part}`)
    for (const path of paths) {
      expect([path, (await hidden(path)).status]).toEqual([path, 200])
      expect([path, await openly(path)]).toEqual([
        path,
        { status: 403, body: expect.objectContaining({ code: 'job.needs_mixnet' }) },
      ])
    }
    const { body } = await hidden(`/v1/jobs/${jobId}/tasks`)
    const { taskId } = (body.items as unknown as { taskId: string }[])[0]!
    for (const path of [`/v1/tasks/${taskId}`, `/v1/tasks/${taskId}/logs`]) {
      expect([(await hidden(path)).status, (await openly(path)).body.code]).toEqual([200, 'job.needs_mixnet'])
    }
  })

  test('is left out of lists, counts and transfers that are asked for directly', async () => {
    const jobId = await submitSecretly()
    expect((await openly('/v1/jobs')).body).toEqual({ items: [], withheld: true })
    expect((await openly('/v1/jobs?all=true')).body).toEqual({ items: [], withheld: true })
    expect((await openly('/v1/overview')).body['jobs']).toEqual({})
    const { body } = await hidden('/v1/jobs')
    expect(body.items?.map((job) => job.jobId)).toEqual([jobId])
    expect(body['withheld']).toBeUndefined()
    const transfers = async (ask: typeof openly | typeof hidden) =>
      (await ask('/v1/ledger/transfers')).body.items as unknown as { reference: string; postings: object[] }[]
    expect((await transfers(openly)).map(({ reference }) => reference)).toContain('a secret job')
    expect(JSON.stringify(await transfers(openly))).not.toContain(jobId)
    expect(JSON.stringify(await transfers(hidden))).toContain(jobId)
  })

  test('that comes directly is refused before anything is kept, as is its price', async () => {
    const wanted = submission({ privacy: 'secret' })
    for (const path of ['/v1/jobs', '/v1/quotes']) {
      expect((await openly(path, 'POST', wanted)).body.code).toBe('job.needs_mixnet')
    }
    expect((await hidden('/v1/jobs')).body.items).toEqual([])
  })
})

test('content that came through the mixnet alone goes out and is named through nothing else', async () => {
  await hidden(`/v1/blobs/${PROGRAM}`, { method: 'PUT', content: NOOP })
  expect((await hidden(`/v1/blobs/${PROGRAM}`)).status).toBe(200)
  expect((await openly(`/v1/blobs/${PROGRAM}`)).body.code).toBe('blob.needs_mixnet')
  expect((await openly('/v1/jobs', 'POST', submission())).body.code).toBe('job.program_missing')
  const missing = await fog.ask('findMissingBlobs', { body: { digests: [PROGRAM] }, token })
  expect(missing.json()).toEqual({ missing: [PROGRAM] })
  await fog.ask('putBlob', { params: { digest: PROGRAM }, content: NOOP, token })
  expect((await openly(`/v1/blobs/${PROGRAM}`)).status).toBe(200)
  expect((await openly('/v1/jobs', 'POST', submission())).status).toBe(201)
})

test('content that came directly has to come again before a secret job may name it', async () => {
  await fog.ask('putBlob', { params: { digest: PROGRAM }, content: NOOP, token })
  const wanted = { method: 'POST', json: submission({ privacy: 'secret' }) } as const
  expect((await hidden('/v1/jobs', wanted)).body.code).toBe('job.content_came_directly')
  const asked = { method: 'POST', json: { digests: [PROGRAM] } } as const
  expect((await hidden('/v1/blobs/missing', asked)).body['missing']).toEqual([PROGRAM])
  await submitSecretly()
})

test('nodes say how they are reached', async () => {
  const nodes = (await openly('/v1/nodes')).body.items as unknown as { name: string; reach: string }[]
  const reaches = Object.fromEntries(nodes.map(({ name, reach }) => [name, reach]))
  expect(reaches).toEqual({ hidden: 'mixnet', open: 'direct' })
})
