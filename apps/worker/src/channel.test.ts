import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ServerMessage, type WorkerMessage } from '@fog/contract'
import { newId } from '@fog/kernel'
import { systemClock, systemRng } from '@fog/kernel/node'
import { type WebSocket, WebSocketServer } from 'ws'
import { Channel, type ChannelOptions, DEFAULT_CHANNEL, MOST_MESSAGE_BYTES, parseServerMessage } from './channel.ts'
import { until } from './testing/processes.ts'

const challenge: ServerMessage = {
  type: 'challenge',
  nonce: 'ab'.repeat(32),
  gatewayId: newId('gateway', 1, systemRng),
}
const welcome: ServerMessage = { type: 'welcome', heartbeatMs: 100, leaseMs: 10_000, token: 'token', drop: [] }
let server: WebSocketServer
let sockets: WebSocket[] = []
let channel: Channel | undefined
let welcomes = 0
let closes = 0
let received: string[] = []

beforeEach(async () => {
  sockets = []
  received = []
  welcomes = closes = 0
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  server.on('connection', (socket) => sockets.push(socket))
  await new Promise((resolve) => server.on('listening', resolve))
})

afterEach(async () => {
  await channel?.stop()
  sockets.forEach((socket) => socket.terminate())
  server.close()
})

test('it greets when it is challenged and beats when it is welcome', async () => {
  const heard = greetings()
  open()
  await until('it beats', () => heard.filter((type) => type === 'heartbeat').length >= 2)
  expect(heard.slice(0, 3)).toEqual(['hello', 'heartbeat', 'heartbeat'])
  expect(channel!.isOpen).toBe(true)
})

test('an end that says nothing is left, and tried again', async () => {
  open({ openMs: 50 })
  await until('it came twice', () => sockets.length >= 2)
  expect(welcomes).toBe(0)
})

test('what speaks otherwise before the welcome is left', async () => {
  server.on('connection', (socket) => socket.send('{"hello":"I am something else"}'))
  open()
  await until('it came again', () => sockets.length >= 2)
  expect(closes).toBe(0)
})

test('an end that is gone without a word is noticed', async () => {
  greetings()
  open({ leastSilenceMs: 200 })
  await until('it is welcome', () => welcomes === 1)
  // The network swallows everything from now on, in both directions.
  sockets[0]!.pause()
  await until('it has come again', () => welcomes === 2)
  expect(closes).toBe(1)
})

test('a message that is far too large ends the connection, not the worker', async () => {
  greetings()
  open()
  await until('it is welcome', () => welcomes === 1)
  sockets[0]!.send('x'.repeat(MOST_MESSAGE_BYTES + 1))
  await until('it has come again', () => welcomes === 2)
  expect(received).toEqual([])
})

test('while the other end does not read, it says that there is no room, and when it reads on, that there is', async () => {
  const heard = greetings()
  open({ mostBufferedBytes: 256 * 1024, leastSilenceMs: 60_000, silentBeats: 1000 })
  await until('it is welcome', () => welcomes === 1)
  sockets[0]!.pause()
  const large = 'x'.repeat(500_000)
  // What the system itself holds between the two ends fills up first.
  while (channel!.isRoomy) channel!.sendText(JSON.stringify({ type: large }))
  const isRoomy = channel!.roomy()
  sockets[0]!.resume()
  expect(await isRoomy).toBe(true)
  await until('all has come', () => heard.includes(large))
})

test('waiting for room ends when the connection does', async () => {
  greetings()
  open({ mostBufferedBytes: 256 * 1024, leastSilenceMs: 60_000, silentBeats: 1000, reconnect: SLOW })
  await until('it is welcome', () => welcomes === 1)
  sockets[0]!.pause()
  while (channel!.isRoomy) channel!.sendText('x'.repeat(500_000))
  const isRoomy = channel!.roomy()
  sockets[0]!.terminate()
  expect(await isRoomy).toBe(false)
  expect(channel!.sendText('nobody hears this')).toBe(false)
})

test.each(['', '{', '[]', '{"type":"ack"}', '{"type":"ack","attempts":["x"]}', '{"type":"welcome"}', 'null', '\0'])(
  'no message: %j',
  (text) => {
    expect(parseServerMessage(Buffer.from(text))).toBeUndefined()
  },
)

const SLOW = { firstMs: 60_000, mostMs: 60_000 }

function open(wishes: Partial<ChannelOptions> = {}): void {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const log = pino({ level: 'silent' })
  channel = new Channel(
    { url, clock: systemClock, rng: systemRng, log },
    {
      hello: () => ({ type: 'hello' }) as WorkerMessage & { type: 'hello' },
      heartbeat: () => ({ type: 'heartbeat', attempts: [] }),
      welcomed: () => void welcomes++,
      received: ({ type }) => void received.push(type),
      refused: () => undefined,
      closed: () => void closes++,
    },
    { ...DEFAULT_CHANNEL, reconnect: { firstMs: 5, mostMs: 50 }, ...wishes },
  )
  channel.start()
}

/** Challenges and welcomes whoever comes; the types of what is then heard. */
function greetings(): string[] {
  const heard: string[] = []
  server.on('connection', (socket) => {
    socket.send(JSON.stringify(challenge))
    socket.on('message', (data) => {
      const { type } = JSON.parse((data as Buffer).toString()) as { type: string }
      heard.push(type)
      if (type === 'hello') socket.send(JSON.stringify(welcome))
    })
  })
  return heard
}
