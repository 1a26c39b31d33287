import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { type ClientNetwork, startTestNetwork } from '@fog/betanet/testing'
import { homeGateways } from '@fog/betanet'
import type { BetaNetTransport } from '@fog/betanet/node'
import { signedConsensusForm } from '@fog/betanet/directory'
import { type Clock, fromHex, toHex } from '@fog/kernel'
import { noiseSuite, systemClock, systemRng } from '@fog/kernel/node'
import { DEFAULT_STREAM_OPTIONS, type PeerId, StreamMultiplexer } from '@fog/p2p'
import { StreamDuplex } from '@fog/p2p/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { digestOf, openTestServer, type TestPerson, type TestServer } from '../../http/testing/test-server.ts'
import { SILENT_LOG } from '../../platform.ts'
import { arrivedByMixnet, MixnetEntry } from './index.ts'

/** Packets of some milliseconds; a client sends a hundred a second, and so may the entry. */
const PARAMETERS = { delayMeansSteps: [20], clientSendMeanMs: 10, clientLoopMeanMs: 1_000, mixLoopMeanMs: 5_000 }
const LONG_MS = 180_000
const MEBIBYTE = 1024 * 1024
const QUARTER = MEBIBYTE / 4

let fog: ClientNetwork
let server: TestServer
let ada: TestPerson
let token: string
let entry: MixnetEntry
let serving: Promise<void>
const stopping = new AbortController()
let transport: BetaNetTransport
let streams: StreamMultiplexer

beforeAll(async () => {
  fog = await startTestNetwork({ parameters: PARAMETERS, gateways: 3 })
  server = await openTestServer({ config: { trustProxy: true } })
  ada = await server.addPerson('ada')
  token = await server.tokenOf(ada, ['jobs:read', 'jobs:write', 'ledger:read'])
  const { rules, store, clock: manual } = fog.network
  const clock: Clock = { now: () => manual.now(), sleep: (ms, signal) => systemClock.sleep(ms, signal) }
  const platform = { ...server.platform, clock, rng: systemRng, log: SILENT_LOG }
  const keys = noiseSuite().makeKeyPair()
  entry = new MixnetEntry(platform, { address: toHex(keys.publicKey), keys }, { keyFile: '', sendMeanMs: 10 })
  const documents = {
    lastConsensusEpoch: async () => {
      const document = await fog.network.authority.newestConsensus()
      return document && signedConsensusForm.parse(document).consensus.epoch
    },
    findConsensus: async (epoch: number) => store.findConsensus(epoch),
  }
  serving = entry.serve(
    { rules, documents, connect: (connection) => server.server.connect(connection) },
    stopping.signal,
  )
  transport = await fog.newTransport()
  streams = new StreamMultiplexer({ transport, clock: systemClock, rng: systemRng })
}, LONG_MS)

afterAll(async () => {
  streams.close()
  stopping.abort()
  await serving
  await server.stop()
  await fog.stop()
})

/** Under another key from now on. */
async function comeAsAnother(): Promise<void> {
  await streams.stop(5_000)
  transport.stop()
  transport = await fog.newTransport()
  streams = new StreamMultiplexer({ transport, clock: systemClock, rng: systemRng })
}

function connect(): Duplex {
  const connection = new StreamDuplex(streams.open(entry.address as PeerId))
  // A request that is over hears its connection no more.
  connection.on('error', () => undefined)
  return connection
}

interface Wish {
  readonly method?: string
  readonly body?: Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

async function ask(path: string, { method = 'GET', body, headers = {} }: Wish = {}): Promise<IncomingMessage> {
  const sent = request({
    method,
    path,
    createConnection: connect,
    headers: {
      host: 'fog.test',
      authorization: `Bearer ${token}`,
      ...(body && { 'content-length': body.length, 'content-type': 'application/octet-stream' }),
      ...headers,
    },
  })
  // Whoever is not read to the end breaks when all is closed.
  sent.on('error', () => undefined)
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return response
}

async function bytesOf(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

async function upload(content: Uint8Array): Promise<string> {
  const path = `/v1/blobs/${digestOf(content)}`
  const { statusCode } = await ask(path, { method: 'PUT', body: content })
  expect(statusCode).toBe(204)
  return path
}

async function happen(type: string): Promise<void> {
  await server.platform.database.transact(async (tx) => {
    await tx.events.append([{ type, at: server.clock.now(), accountId: ada.accountId, data: {} }])
    tx.wake('events')
  })
}

describe('through real mix nodes', { timeout: LONG_MS }, () => {
  test('a request is answered; it is known by its peer, whatever it writes of itself', async () => {
    const response = await ask('/v1/overview', { headers: { 'x-forwarded-for': '203.0.113.7' } })
    expect(response.statusCode).toBe(200)
    await bytesOf(response)
    const line = server.logged.findLast((each) => each.includes('"route":"/v1/overview"'))
    expect(JSON.parse(line!)).toMatchObject({ address: `mix-${transport.peer.slice(0, 32)}` })
    expect(arrivedByMixnet(response.socket)).toBe(false)
  })

  test('what is for this machine alone is not for the mixnet', async () => {
    expect((await ask('/metrics')).statusCode).toBe(404)
  })

  test('a mebibyte goes up and comes down whole', async () => {
    const content = systemRng.bytes(MEBIBYTE)
    const path = await upload(content)
    expect(await bytesOf(await ask(path))).toEqual(Buffer.from(content))
  })

  test('events come as they happen', async () => {
    const response = await ask('/v1/events')
    expect(response.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    const lines = createInterface({ input: response })[Symbol.asyncIterator]()
    const next = async () => {
      for (;;) {
        const { value } = await lines.next()
        if (value!.startsWith('data: ')) return (JSON.parse(value!.slice(6)) as { readonly type: string }).type
      }
    }
    expect(await next()).toBe('feed.ready')
    await happen('job.queued')
    expect(await next()).toBe('job.queued')
    response.destroy()
    await expect.poll(() => server.server.feed.size, { timeout: LONG_MS }).toBe(0)
  })

  test('a WebSocket opens, speaks both ways and closes', async () => {
    const socket = new WebSocket('ws://fog.test/v1/events/socket', { createConnection: connect })
    const messages: string[] = []
    socket.on('message', (data: Buffer) => messages.push((JSON.parse(data.toString()) as { type: string }).type))
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'auth', token }))
    await expect.poll(() => messages, { timeout: LONG_MS }).toEqual(['feed.ready'])
    await happen('job.started')
    await expect.poll(() => messages, { timeout: LONG_MS }).toEqual(['feed.ready', 'job.started'])
    socket.close()
    const [code] = (await once(socket, 'close')) as [number]
    expect(code).toBe(1005)
  })

  test('whoever reads slowly holds up its own stream only, and no more than a window', async () => {
    const content = systemRng.bytes(MEBIBYTE)
    const path = await upload(content)
    const slow = await ask(path)
    slow.pause()
    const { windowBytes } = DEFAULT_STREAM_OPTIONS
    await expect
      .poll(() => streams.stats().bufferedBytes, { timeout: LONG_MS })
      .toBeGreaterThan(windowBytes - 64 * 1024)
    expect((await ask('/v1/overview')).statusCode).toBe(200)
    expect(streams.stats().bufferedBytes).toBeLessThanOrEqual(windowBytes)
    expect(await bytesOf(slow)).toEqual(Buffer.from(content))
  })

  test('peers have limits of their own', async () => {
    const wrong = { headers: { authorization: 'Bearer fog_wrong' } }
    const statuses: (number | undefined)[] = []
    while (!statuses.includes(429) && statuses.length < 80) {
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask('/v1/overview', wrong)))
      statuses.push(...answers.map(({ statusCode }) => statusCode))
      for (const answer of answers) answer.destroy()
    }
    expect(statuses).toContain(429)
    await comeAsAnother()
    expect((await ask('/v1/overview')).statusCode).toBe(200)
  })

  test('a gateway can die in the middle of a download', async () => {
    const content = systemRng.bytes(QUARTER)
    const response = await ask(await upload(content))
    await once(response, 'readable')
    const { consensus } = signedConsensusForm.parse((await fog.network.authority.newestConsensus())!)
    const [best] = homeGateways(consensus, fromHex(entry.address)!)
    const dying = toHex(best!.signed.descriptor.identityKey)
    await fog.network.nodes.find(({ nodeId }) => toHex(nodeId) === dying)!.stop()
    expect(await bytesOf(response)).toEqual(Buffer.from(content))
  })
})
