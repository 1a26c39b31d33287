import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { BetaNetClientOptions } from '@fog/betanet'
import type { NetworkParameters } from '@fog/betanet/directory'
import type { BetaNetTransport } from '@fog/betanet/node'
import { startTestNetwork } from '@fog/betanet/testing'
import { systemClock, systemRng } from '@fog/kernel/node'
import { StreamMultiplexer } from '@fog/p2p'
import { StreamDuplex } from '@fog/p2p/node'
import type { Figure } from './figure.ts'

interface Setting {
  readonly name: string
  readonly parameters: Partial<NetworkParameters>
  readonly client: Partial<BetaNetClientOptions>
  readonly server: Partial<BetaNetClientOptions>
  /** Packets a second that each side may send, on average. */
  readonly clientRate: number
  readonly serverRate: number
  readonly requests: number
  readonly bytes: number
}

const MIB = 1024 * 1024
const SETTINGS: readonly Setting[] = [
  {
    name: 'quick',
    parameters: { delayMeansSteps: [20], clientSendMeanMs: 10, clientLoopMeanMs: 1_000 },
    client: {},
    server: {},
    clientRate: 100,
    serverRate: 100,
    requests: 30,
    bytes: MIB,
  },
  {
    name: 'no cover',
    parameters: { delayMeansSteps: [20] },
    client: { cover: 'off' },
    server: { cover: 'off' },
    clientRate: 500,
    serverRate: 500,
    requests: 30,
    bytes: MIB,
  },
  {
    name: 'defaults',
    parameters: { delayMeansSteps: [50], clientSendMeanMs: 200, clientLoopMeanMs: 5_000 },
    client: {},
    server: { sendMeanMs: 20 },
    clientRate: 5,
    serverRate: 50,
    requests: 15,
    bytes: MIB / 8,
  },
]

/** HTTP through three mixes and gateways on loopback: how long a small request takes, and how fast content comes and goes. */
export async function tunnel(): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const setting of SETTINGS) figures.push(...(await measure(setting)))
  return figures
}

async function measure(setting: Setting): Promise<Figure[]> {
  const fog = await startTestNetwork({ parameters: setting.parameters })
  const [near, far] = [await fog.newTransport(setting.client), await fog.newTransport(setting.server)]
  const { server, served } = answering(far)
  const streams = new StreamMultiplexer({ transport: near, clock: systemClock, rng: systemRng })
  try {
    return await figuresOf(setting, { streams, near, far })
  } finally {
    await streams.stop(1_000)
    served.close()
    server.closeAllConnections()
    await fog.stop()
  }
}

interface Parts {
  readonly streams: StreamMultiplexer
  readonly near: BetaNetTransport
  readonly far: BetaNetTransport
}

async function figuresOf(setting: Setting, { streams, near, far }: Parts): Promise<Figure[]> {
  const { name, requests, bytes, clientRate, serverRate, parameters } = setting
  const ask = (method: string, path: string, body?: Uint8Array) => timed(streams, far.peer, method, path, body)
  await ask('GET', '/0')
  const times: number[] = []
  for (let i = 0; i < requests; i++) times.push(await ask('GET', '/0'))
  times.sort((a, b) => a - b)
  const upMs = await ask('PUT', '/', systemRng.bytes(bytes))
  const downMs = await ask('GET', `/${bytes}`)
  const packetBytes = near.packetFit.nextBytes
  const method = methodOf(setting)
  const share = (ms: number, rate: number) => (100 * (bytes / (ms / 1000))) / (rate * packetBytes)
  const mean = `mean delay ${(parameters.delayMeansSteps?.[0] ?? 0) / 10} ms a hop`
  return [
    {
      name: `${name}: small request, median`,
      value: times[times.length >> 1]!,
      unit: 'ms',
      method: `${requests} GETs one after the other, a new stream each, 200-byte answers, ${mean}, ${method}`,
    },
    { name: `${name}: small request, slowest`, value: times.at(-1)!, unit: 'ms', method: 'of the same' },
    {
      name: `${name}: upload`,
      value: bytes / upMs,
      unit: 'kB/s',
      method: `one PUT of ${bytes} bytes, from request to answer, ${method}`,
    },
    {
      name: `${name}: of what the sender may send`,
      value: share(upMs, clientRate),
      unit: '%',
      method: `${clientRate} packets/s of ${packetBytes} bytes`,
    },
    {
      name: `${name}: download`,
      value: bytes / downMs,
      unit: 'kB/s',
      method: `one GET of ${bytes} bytes, from request to last byte, ${method}`,
    },
    {
      name: `${name}: of what the sender may send`,
      value: share(downMs, serverRate),
      unit: '%',
      method: `${serverRate} packets/s of ${packetBytes} bytes`,
    },
  ]
}

function methodOf({ clientRate, serverRate, client }: Setting): string {
  const cover = client.cover === 'off' ? 'no cover, at most' : 'under cover,'
  return `entry gateway, 3 mixes, exit gateway as threads of one process with both ends; ${cover} ${clientRate} packets/s up and ${serverRate} down`
}

/** A server behind the mixnet: as many bytes as the path says, at least 200. */
function answering(transport: BetaNetTransport): { readonly server: Server; readonly served: StreamMultiplexer } {
  const server = createServer((asked, answer) => {
    asked.resume()
    asked.on('end', () => answer.end(Buffer.alloc(Math.max(200, Number(asked.url!.slice(1))))))
  })
  const accept = (stream: ConstructorParameters<typeof StreamDuplex>[0]) =>
    void server.emit('connection', new StreamDuplex(stream))
  return { server, served: new StreamMultiplexer({ transport, clock: systemClock, rng: systemRng, accept }) }
}

async function timed(
  streams: StreamMultiplexer,
  peer: BetaNetTransport['peer'],
  method: string,
  path: string,
  body: Uint8Array | undefined,
): Promise<number> {
  const startedAt = performance.now()
  const asked = request({
    method,
    path,
    createConnection: () => new StreamDuplex(streams.open(peer)),
    headers: { host: 'fog', connection: 'close', ...(body && { 'content-length': body.length }) },
  })
  // Its connection may still be ending when all is stopped.
  asked.on('error', () => undefined)
  asked.end(body)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  answer.resume()
  await once(answer, 'end')
  return performance.now() - startedAt
}
