import { request as httpRequest } from 'node:http'
import { connect as openSocket } from 'node:net'
import type { EventView } from '@fog/contract'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { openTestServer, strangeId, type TestPerson, type TestServer } from '../http/testing/test-server.ts'

let fog: TestServer
let ada: TestPerson
let token: string
let url: string
beforeEach(async () => {
  fog = await openTestServer()
  ada = await fog.addPerson('ada')
  token = await fog.tokenOf(ada, ['jobs:read'])
  url = await fog.server.listen({ host: '127.0.0.1', port: 0 })
})
afterEach(() => fog.stop())

async function happen(type: string, more: object = {}): Promise<void> {
  await fog.platform.database.transact(async (tx) => {
    await tx.events.append([{ type, at: fog.clock.now(), accountId: ada.accountId, data: {}, ...more }])
    tx.wake('events')
  })
}

/** Reads server-sent events as they come. */
async function follow(query = '', headers: Record<string, string> = {}) {
  const stop = new AbortController()
  const response = await fetch(`${url}/v1/events${query}`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    signal: stop.signal,
  })
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let buffer = ''
  const next = async (): Promise<{ id: string | undefined; data: Partial<EventView> } | undefined> => {
    for (;;) {
      const end = buffer.indexOf('\n\n')
      if (end >= 0) {
        const block = buffer.slice(0, end)
        buffer = buffer.slice(end + 2)
        const data = /^data: (.*)$/m.exec(block)?.[1]
        if (data !== undefined) return { id: /^id: (.*)$/m.exec(block)?.[1], data: JSON.parse(data) as EventView }
        continue
      }
      const read = await reader.read()
      if (read.done) return undefined
      buffer += read.value
    }
  }
  return { response, next, stop: () => stop.abort() }
}

const statusOf = async (query: string, headers: Record<string, string> = {}) =>
  (await follow(query, headers)).response.status

describe('server-sent events', () => {
  test('come with their cursor as id, and go on after the last one seen', async () => {
    const first = await follow()
    expect(first.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(first.response.headers.get('x-content-type-options')).toBe('nosniff')
    expect((await first.next())?.data.type).toBe('feed.ready')
    await happen('job.queued')
    const seen = await first.next()
    expect(seen).toMatchObject({
      data: { type: 'job.queued', accountId: ada.accountId, at: '2026-01-01T00:00:00.000Z' },
    })
    expect(seen!.id).toBe(seen!.data.cursor)
    first.stop()
    await happen('job.started')
    const second = await follow('', { 'last-event-id': seen!.id! })
    expect((await second.next())?.data.type).toBe('job.started')
    second.stop()
    const third = await follow(`?after=${encodeURIComponent(seen!.id!)}`)
    expect((await third.next())?.data.type).toBe('job.started')
    third.stop()
  })

  test('are refused like any request when something is wrong', async () => {
    expect(await statusOf('', { authorization: 'Bearer fog_no' })).toBe(401)
    expect(await statusOf(`?jobId=${strangeId('job')}`)).toBe(404)
    expect(await statusOf('?after=nonsense')).toBe(400)
    expect(await statusOf('?colour=red')).toBe(400)
    const response = await fetch(`${url}/v1/events`)
    expect([response.status, await response.json()]).toMatchObject([401, { code: 'access.login_needed' }])
    const weak = await fog.tokenOf(ada, ['ledger:read'])
    expect(await statusOf('', { authorization: `Bearer ${weak}` })).toBe(403)
    const old = `1~${fog.clock.now() - 8 * 24 * 3_600_000}`
    const tooOld = await fetch(`${url}/v1/events?after=${old}`, { headers: { authorization: `Bearer ${token}` } })
    expect([tooOld.status, await tooOld.json()]).toMatchObject([410, { code: 'feed.too_old' }])
    expect(fog.server.feed.size).toBe(0)
  })

  test('end with a word when the log-in does', async () => {
    token = (await fog.logIn(ada)).accessToken
    const reading = await follow()
    await reading.next()
    fog.clock.advance(11 * 60_000)
    expect(await reading.next()).toEqual({ id: undefined, data: { type: 'feed.cut', data: { reason: 'expired' } } })
    expect(await reading.next()).toBeUndefined()
    expect(fog.server.feed.size).toBe(0)
  })

  test('a reader who hangs up leaves no trace', async () => {
    const reading = await follow()
    await reading.next()
    expect(fog.server.feed.size).toBe(1)
    reading.stop()
    while (fog.server.feed.size > 0) await new Promise((resolve) => setImmediate(resolve))
  })
})

/** A socket whose messages and end can be awaited. */
function openFeed(headers: Record<string, string> = {}) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/events/socket`, { headers })
  const messages: Partial<EventView>[] = []
  const waiting: (() => void)[] = []
  socket.on('message', (data: Buffer) => {
    messages.push(JSON.parse(data.toString()) as EventView)
    waiting.splice(0).forEach((wake) => wake())
  })
  const opened = new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.once('close', (code, reason) => {
      waiting.splice(0).forEach((wake) => wake())
      resolve({ code, reason: reason.toString() })
    }),
  )
  return {
    socket,
    opened,
    closed,
    say: (message: unknown) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    next: async () => {
      while (messages.length === 0 && socket.readyState === WebSocket.OPEN) {
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
      return messages.shift()
    },
  }
}

describe('the event socket', () => {
  test('tells what happens once somebody said who reads', async () => {
    const feed = openFeed()
    await feed.opened
    feed.say({ type: 'auth', token })
    expect((await feed.next())?.type).toBe('feed.ready')
    await happen('job.queued')
    const seen = await feed.next()
    expect(seen?.type).toBe('job.queued')
    feed.socket.close()
    await feed.closed
    await happen('job.started')
    const back = openFeed()
    await back.opened
    back.say({ type: 'auth', token, after: seen!.cursor })
    expect((await back.next())?.type).toBe('job.started')
    expect((await back.next())?.type).toBe('feed.ready')
    back.socket.terminate()
  })

  test.each([
    ['nonsense', 'hello', 4400],
    ['an unknown field', { type: 'auth', token: 'x', colour: 1 }, 4400],
    ['a wrong token', { type: 'auth', token: 'fog_wrong' }, 4401],
    ['another’s job', { type: 'auth', jobId: strangeId('job') }, 4404],
    ['a made-up cursor', { type: 'auth', after: 'x' }, 4400],
    ['an old cursor', { type: 'auth', after: '1~1' }, 4410],
    ['too long a message', 'x'.repeat(10_000), 1009],
  ])('closes for %s, with the reason', async (_, message, code) => {
    const feed = openFeed()
    await feed.opened
    feed.say(typeof message === 'string' ? message : { token, ...message })
    expect((await feed.closed).code).toBe(code)
    expect(fog.server.feed.size).toBe(0)
  })

  test('closes when nobody says who reads', async () => {
    const feed = openFeed()
    await feed.opened
    fog.clock.advance(5_000)
    expect((await feed.closed).code).toBe(4408)
  })

  test('goes on with a newer token of the same person, and closes for another’s', async () => {
    const early = (await fog.logIn(ada)).accessToken
    const feed = openFeed()
    await feed.opened
    feed.say({ type: 'auth', token: early })
    await feed.next()
    fog.clock.advance(9 * 60_000)
    const late = (await fog.logIn(ada)).accessToken
    feed.say({ type: 'auth', token: late })
    expect((await feed.next())?.type).toBe('feed.renewed')
    fog.clock.advance(5 * 60_000)
    await happen('job.queued')
    expect((await feed.next())?.type).toBe('job.queued')

    const other = openFeed()
    await other.opened
    other.say({ type: 'auth', token: late })
    await other.next()
    const eve = await fog.tokenOf(await fog.addPerson('eve'), ['jobs:read'])
    other.say({ type: 'auth', token: eve })
    expect(await other.closed).toEqual({ code: 4400, reason: 'request.malformed' })
    feed.socket.terminate()
  })

  test('closes when the token ends', async () => {
    const feed = openFeed()
    await feed.opened
    feed.say({ type: 'auth', token: (await fog.logIn(ada)).accessToken })
    await feed.next()
    fog.clock.advance(11 * 60_000)
    expect(await feed.next()).toEqual({ type: 'feed.cut', data: { reason: 'expired' } })
    expect(await feed.closed).toEqual({ code: 4401, reason: 'expired' })
  })

  test('says goodbye when the control plane stops', async () => {
    const feed = openFeed()
    await feed.opened
    feed.say({ type: 'auth', token })
    await feed.next()
    await fog.server.stop()
    expect((await feed.closed).code).toBe(1001)
  })
})

const upgrade = (path: string, headers: Record<string, string> = {}) =>
  new Promise<number>((resolve, reject) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, { headers })
    socket.once('unexpected-response', (_request, response) => resolve(response.statusCode!))
    socket.once('open', () => {
      resolve(101)
      socket.terminate()
    })
    socket.once('error', reject)
  })

describe('upgrades', () => {
  test('on an unknown path, of another site’s page, or before workers are served are turned away', async () => {
    expect(await upgrade('/v1/nothing')).toBe(404)
    expect(await upgrade('/v1/events/socket', { origin: 'https://evil.test' })).toBe(403)
    expect(await upgrade('/v1/events/socket', { origin: url })).toBe(101)
    expect(await upgrade('/v1/worker')).toBe(503)
  })

  test('on the workers’ path go to their handler, with the caller’s address', async () => {
    const seen = new Promise<string>((resolve) => {
      fog.server.onWorkerUpgrade((_request, socket, _head, address) => {
        resolve(address)
        socket.destroy()
      })
    })
    await upgrade('/v1/worker').catch(() => undefined)
    expect(await seen).toBe('127.0.0.1')
  })

  test('to something else than a WebSocket are answered without', async () => {
    const answered = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': '' }
      httpRequest(`${url}/healthz`, { headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
        .once('error', reject)
        .end()
    })
    expect(answered).toBe(200)
  })
})

test('an upload that is refused midway is answered all the same', async () => {
  const uploader = await fog.tokenOf(ada, ['jobs:write'])
  const response = await fetch(`${url}/v1/blobs/${'a'.repeat(64)}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${uploader}`, 'content-type': 'application/octet-stream' },
    body: new Uint8Array(5_000_000),
  })
  expect([response.status, await response.json()]).toMatchObject([422, { code: 'blob.hash_mismatch' }])
})

test('an upload whose line breaks leaves nothing behind and is no fault of ours', async () => {
  const uploader = await fog.tokenOf(ada, ['jobs:write'])
  const digest = 'b'.repeat(64)
  const { port } = new URL(url)
  await new Promise<void>((resolve) => {
    const socket = openSocket(Number(port), '127.0.0.1', () => {
      socket.write(
        `PUT /v1/blobs/${digest} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${uploader}\r\n` +
          `Content-Type: application/octet-stream\r\nContent-Length: 1000000\r\n\r\nhalf`,
        () => socket.destroy(),
      )
    })
    socket.once('close', () => resolve())
  })
  while (!fog.logged.some((line) => line.includes('the caller hung up'))) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(fog.logged.some((line) => line.includes('a request failed'))).toBe(false)
})
