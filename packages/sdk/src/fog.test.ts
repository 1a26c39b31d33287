import { expect, test } from 'vitest'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ApiError } from '@fog/contract'
import { Fog } from './fog.ts'
import { hurriedClock, json, refuse, serve } from './testing/small-server.ts'

type Handler = (request: IncomingMessage, response: ServerResponse, nth: number) => void

/** A server of some routes; the feed is there and silent unless said. */
async function serveRoutes(routes: Readonly<Record<string, Handler>>) {
  const counts = new Map<string, number>()
  return serve((request, response) => {
    const key = `${request.method} ${request.url?.split('?')[0]}`
    const nth = (counts.get(key) ?? 0) + 1
    counts.set(key, nth)
    const handler = routes[key]
    if (handler) return handler(request, response, nth)
    if (key === 'GET /v1/events')
      return void response.writeHead(200, { 'content-type': 'text/event-stream' }).write('\n')
    refuse(response, 404, 'http.not_found')
  })
}

const fogAt = (baseUrl: string, clock = hurriedClock()) => new Fog({ baseUrl, clock })

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

test('only what is missing is uploaded, once each, and then the job is submitted', async () => {
  const sent: string[] = []
  await using server = await serveRoutes({
    'POST /v1/blobs/missing': (_, response) => json(response, { missing: ['bb'] }),
    'PUT /v1/blobs/bb': (request, response) => {
      void bodyOf(request).then((text) => {
        sent.push(text)
        response.writeHead(204).end()
      })
    },
    'POST /v1/jobs': (_, response) => json(response, { jobId: 'job_1' }, 201),
  })
  const content = ['aa', 'bb', 'bb'].map((digest) => ({ digest, size: 4, open: () => `text of ${digest}` }))
  const submission = { name: 'x', program: { kind: 'wasm', digest: 'aa' }, tasks: [{ item: '' }] } as const
  const progress: unknown[] = []
  const job = await fogAt(server.url).submit(
    { submission: { ...submission, tasks: [{ item: '' }] }, content },
    (seen) => progress.push(seen),
  )
  expect(job).toEqual({ jobId: 'job_1' })
  expect(sent).toEqual(['text of bb'])
  expect(progress).toEqual([{ files: 1, uploaded: 1, bytes: 4 }])
})

test('waiting goes on while the control plane is away, and ends when the job is settled', async () => {
  await using server = await serveRoutes({
    'GET /v1/jobs/job_1': (request, response, nth) => {
      if (nth === 1) return json(response, { status: 'running', settled: false })
      if (nth === 2) return request.socket.destroy()
      if (nth === 3) return refuse(response, 503, 'http.unavailable')
      if (nth === 4) return refuse(response, 429, 'http.too_many_requests', { retrySeconds: 7 })
      json(response, { status: 'succeeded', settled: true })
    },
  })
  const clock = hurriedClock()
  const seen: string[] = []
  const job = await fogAt(server.url, clock).wait('job_1', { onChange: ({ status }) => void seen.push(status) })
  expect(job.settled).toBe(true)
  expect(seen).toEqual(['running', 'succeeded'])
  expect(clock.slept).toContain(7000)
})

test('waiting gives up on a control plane that stays away', async () => {
  await using server = await serveRoutes({
    'GET /v1/jobs/job_1': (_, response) => refuse(response, 503, 'http.unavailable'),
  })
  await expect(fogAt(server.url).wait('job_1')).rejects.toMatchObject({ code: 'http.unavailable' })
  expect(server.requests.filter((request) => request.endsWith('job_1')).length).toBeGreaterThan(10)
})

test('a job that is not there ends the waiting at once', async () => {
  await using server = await serveRoutes({
    'GET /v1/jobs/job_1': (_, response) => refuse(response, 404, 'job.not_found'),
  })
  await expect(fogAt(server.url).wait('job_1')).rejects.toBeInstanceOf(ApiError)
})

test('the signal ends the waiting at once, with its reason', async () => {
  const stop = new AbortController()
  const reason = new Error('enough')
  await using server = await serveRoutes({
    'GET /v1/jobs/job_1': (_, response) => json(response, { status: 'running', settled: false }),
  })
  const waiting = fogAt(server.url).wait('job_1', { signal: stop.signal, onChange: () => stop.abort(reason) })
  await expect(waiting).rejects.toBe(reason)
})

test('a feed that is refused only makes the waiting slower', async () => {
  await using server = await serveRoutes({
    'GET /v1/events': (_, response) => refuse(response, 403, 'access.scope_missing'),
    'GET /v1/jobs/job_1': (_, response, nth) => json(response, { status: 'running', settled: nth > 3 }),
  })
  expect((await fogAt(server.url).wait('job_1')).settled).toBe(true)
})

const page = (from: number, to: number, next?: string) => ({
  items: Array.from({ length: to - from }, (_, i) => ({ cursor: `c${from + i}`, text: `${from + i}` })),
  ...(next === undefined ? {} : { next }),
})

test('a log is followed over pages and looks, each chunk once, and read to its end once the task is over', async () => {
  await using server = await serveRoutes({
    'GET /v1/tasks/task_1': (_, response, nth) =>
      json(response, { task: { jobId: 'job_1', status: nth < 4 ? 'running' : 'done' }, attempts: [] }),
    'GET /v1/tasks/task_1/logs': (request, response, nth) => {
      const after = new URL(request.url!, 'http://x').searchParams.get('after')
      if (nth === 1) return json(response, page(0, 2, 'c1'))
      if (after === 'c1') return json(response, page(2, 3))
      json(response, nth < 4 ? page(3, 3) : page(3, 4))
    },
  })
  const texts: string[] = []
  for await (const { text } of fogAt(server.url).logs('task_1', { follow: true })) texts.push(text)
  expect(texts).toEqual(['0', '1', '2', '3'])
})

test('a task is found by its place, and none beyond the last', async () => {
  await using server = await serveRoutes({
    'GET /v1/jobs/job_1/tasks': (request, response) => {
      const after = new URL(request.url!, 'http://x').searchParams.get('after')
      json(response, { items: after === '4' ? [{ index: 5 }] : after === null ? [{ index: 0 }] : [] })
    },
  })
  const fog = fogAt(server.url)
  expect(await fog.taskAt('job_1', 0)).toEqual({ index: 0 })
  expect(await fog.taskAt('job_1', 5)).toEqual({ index: 5 })
  expect(await fog.taskAt('job_1', 9)).toBeUndefined()
})
