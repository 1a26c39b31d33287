import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { ApiError, type EventView } from '@fog/contract'
import { followFeed } from './feed.ts'
import { hurriedClock, refuse, serve } from './testing/small-server.ts'

const event = (cursor: string, type = 'task.done') =>
  `id: ${cursor}\ndata: ${JSON.stringify({ cursor, type, at: '2026-01-01T00:00:00.000Z', data: {} })}\n\n`

function stream(response: ServerResponse): ServerResponse {
  return response.writeHead(200, { 'content-type': 'text/event-stream' })
}

async function follow(
  url: string,
  count: number,
  options: Partial<Parameters<typeof followFeed>[0]> = {},
): Promise<EventView[]> {
  const stop = new AbortController()
  const found: EventView[] = []
  for await (const each of followFeed({ baseUrl: url, clock: hurriedClock(), signal: stop.signal, ...options })) {
    found.push(each)
    if (found.length === count) stop.abort()
  }
  return found
}

test('a broken connection goes on after the last event that came', async () => {
  await using server = await serve((_, response, nth) => {
    if (nth === 1) stream(response).end(`${event('c0', 'feed.ready')}${event('c1')}`)
    else stream(response).end(event('c2'))
  })
  const found = await follow(server.url, 2)
  expect(found.map(({ cursor }) => cursor)).toEqual(['c1', 'c2'])
  expect(server.requests).toEqual(['GET /v1/events?', 'GET /v1/events?after=c1'])
})

test('it goes on from the place where it was let in, even before the first event', async () => {
  await using server = await serve((_, response, nth) => {
    if (nth === 1) stream(response).end(event('c7', 'feed.ready'))
    else stream(response).end(event('c8'))
  })
  let opened = 0
  await follow(server.url, 1, { onOpen: () => (opened += 1) })
  expect(opened).toBe(1)
  expect(server.requests[1]).toBe('GET /v1/events?after=c7')
})

test('the word that it is cut off has no cursor and is not handed on', async () => {
  await using server = await serve((_, response, nth) => {
    if (nth === 1) stream(response).end(`${event('c1')}data: {"type":"feed.cut","data":{"reason":"slow"}}\n\n`)
    else stream(response).end(event('c2'))
  })
  expect((await follow(server.url, 2)).map(({ cursor }) => cursor)).toEqual(['c1', 'c2'])
})

test('a server that is away, starting or busy is waited for, longer each time', async () => {
  await using server = await serve((request, response, nth) => {
    if (nth === 1) return request.socket.destroy()
    if (nth < 4) return refuse(response, nth === 2 ? 503 : 429, 'http.unavailable')
    stream(response).end(event('c1'))
  })
  const clock = hurriedClock()
  await follow(server.url, 1, { clock })
  expect(clock.slept).toEqual([200, 400, 800])
})

test('a refusal ends it with what the server says', async () => {
  await using server = await serve((_, response) => refuse(response, 403, 'access.scope_missing'))
  const fault = await follow(server.url, 1).catch((thrown: unknown) => thrown)
  expect(fault).toBeInstanceOf(ApiError)
  expect((fault as ApiError).code).toBe('access.scope_missing')
})

test('a log-in that has run out is renewed once', async () => {
  await using server = await serve((request, response) => {
    if (request.headers.authorization === 'Bearer new') return stream(response).end(event('c1'))
    refuse(response, 401, 'access.token_expired')
  })
  let token = 'old'
  const onUnauthorized = async () => {
    token = 'new'
    return true
  }
  await follow(server.url, 1, { token: () => token, onUnauthorized })
  expect(server.requests.length).toBe(2)
})

test('what is no event ends it instead of being asked for again and again', async () => {
  await using server = await serve((_, response) => stream(response).end('data: <html>\n\n'))
  await expect(follow(server.url, 1)).rejects.toMatchObject({ code: 'feed.ended' })
})

test('the signal ends it while it waits for an event', async () => {
  const stop = new AbortController()
  await using server = await serve((_, response) => {
    stream(response).write(event('c0', 'feed.ready'))
  })
  await expect(follow(server.url, 1, { signal: stop.signal, onOpen: () => stop.abort() })).resolves.toEqual([])
})
