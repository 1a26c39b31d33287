import type { JobView, Problem, SessionTokens } from '@fog/contract'
import { parseId, utf8 } from '@fog/kernel'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { ensureFirstAdmin, openAccess } from '../access/index.ts'
import { type ScratchDatabase, type ScratchDatabases, scratchDatabases } from '../db/testing/scratch-database.ts'
import { digestOf, openTestServer, PASSWORD, type TestServer } from './testing/test-server.ts'
import { addNode, submitAndPlace, uploadNoop } from './testing/test-work.ts'

/** The memory twins carry the other tests; these show that nothing rests on what only they do. */

let databases: ScratchDatabases
let scratch: ScratchDatabase
let fog: TestServer
beforeAll(async () => {
  databases = await scratchDatabases()
})
afterAll(() => databases.stop())
beforeEach(async () => {
  scratch = await databases.open()
  fog = await openTestServer({ database: scratch.database })
})
afterEach(async () => {
  await fog.stop()
  await scratch.close()
})

test('the first admin is made once, however many control planes start at once', async () => {
  const fresh = await databases.open()
  const platforms = Array.from({ length: 3 }, () => ({ ...fog.platform, database: fresh.database }))
  const codes = await Promise.all(
    platforms.map(async (platform) => ensureFirstAdmin(platform, await openAccess(platform))),
  )
  expect(new Set(codes).size).toBe(1)
  expect(await fresh.database.read.access.countUsers()).toBe(1)
  await fresh.close()
})

test('set-up, log-in, refresh and its reuse', async () => {
  const setup = { code: fog.setupCode, name: 'grace', password: PASSWORD, keep: 'body' } as const
  expect((await fog.ask('setup', { body: setup })).statusCode).toBe(201)
  expect((await fog.ask('setup', { body: setup })).statusCode).toBe(403)
  const ada = await fog.addPerson('ada')
  const taken = { name: 'ada', password: PASSWORD }
  const token = await fog.tokenOf(await fog.addPerson('root', 'admin'), ['admin'])
  expect((await fog.ask('addUser', { body: taken, token })).json<Problem>().code).toBe('access.name_taken')

  const first = await fog.logIn(ada)
  const both = await Promise.all([1, 2].map(() => fog.ask('refresh', { body: { refreshToken: first.refreshToken! } })))
  expect(both.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([200, 401])
  const winner = both.find(({ statusCode }) => statusCode === 200)!.json<SessionTokens>()
  expect((await fog.ask('getMe', { token: winner.accessToken })).statusCode).toBe(401)
  const guesses = Array.from({ length: 8 }, () =>
    fog.ask('logIn', { body: { name: 'ada', password: 'wrong', keep: 'body' } }),
  )
  await Promise.all(guesses)
  expect((await scratch.database.read.access.findUser(ada.userId))?.failedLogins).toBe(5)
})

test('content, a job, its tasks, its money', async () => {
  const [ada, eve] = [await fog.addPerson('ada'), await fog.addPerson('eve')]
  const token = await fog.tokenOf(ada, ['jobs:read', 'jobs:write', 'ledger:read'])
  const content = utf8('null \u0000 and all')
  const params = { digest: digestOf(content) }
  expect((await fog.ask('putBlob', { params, content, token })).statusCode).toBe(204)
  expect((await fog.ask('getBlob', { params, token })).rawPayload).toEqual(Buffer.from(content))

  const nodeId = await addNode(fog, eve)
  const { job, attempts } = await submitAndPlace(fog, token, await uploadNoop(fog, token))
  expect(attempts).toHaveLength(2)
  const ofJob = { jobId: job.jobId }
  const tasks = await fog.ask('listTasks', { params: ofJob, query: { limit: 1 }, token })
  expect(tasks.json()).toMatchObject({ items: [{ index: 0, nodeId }], next: '0' })
  for (const name of ['getJob', 'listResults', 'getReceipt', 'explainJob'] as const) {
    expect([name, (await fog.ask(name, { params: ofJob, token })).statusCode]).toEqual([name, 200])
  }
  const { taskId } = tasks.json<{ items: { taskId: string }[] }>().items[0]!
  const logs = await fog.ask('getTaskLogs', { params: { taskId }, query: { after: 'made up' }, token })
  expect(logs.statusCode).toBe(200)
  const cancelled = await fog.ask('cancelJob', { params: ofJob, token })
  expect(cancelled.json<JobView>().status).toBe('cancelled')
  for (const name of ['listTransfers', 'auditLedger', 'getOverview', 'listJobs'] as const) {
    expect([name, (await fog.ask(name, { token })).statusCode]).toEqual([name, 200])
  }
  expect((await fog.ask('auditLedger', { token })).json()).toMatchObject({ sound: true })
  expect(parseId('node', nodeId)).toBe(nodeId)
})

test('texts that PostgreSQL does not hold are no fault of ours', async () => {
  const root = await fog.addPerson('root', 'admin')
  const token = await fog.tokenOf(root, ['admin'])
  const odd = 'a\u0000b\ud800'
  const responses = [
    await fog.ask('logIn', { body: { name: odd, password: odd, keep: 'body' } }),
    await fog.ask('grant', { body: { accountId: root.accountId, amount: '1', reference: odd }, token }),
    await fog.ask('listJobs', { query: { after: odd }, token }),
    await fog.ask('addToken', { body: { name: 'x\ud800', scopes: ['admin'] }, token }),
    await fog.ask('refresh', { body: { refreshToken: odd } }),
  ]
  for (const { statusCode, body } of responses) expect([statusCode < 500, body]).toEqual([true, body])
})

test('the feed goes on from its cursor', async () => {
  const ada = await fog.addPerson('ada')
  const token = await fog.tokenOf(ada, ['jobs:read'])
  const url = await fog.server.listen({ host: '127.0.0.1', port: 0 })
  const happen = (type: string) =>
    fog.platform.database.transact(async (tx) => {
      await tx.events.append([{ type, at: fog.clock.now(), accountId: ada.accountId, data: {} }])
      tx.wake('events')
    })
  const read = async (count: number, after?: string) => {
    const stop = new AbortController()
    const query = after === undefined ? '' : `?after=${encodeURIComponent(after)}`
    const headers = { authorization: `Bearer ${token}` }
    const response = await fetch(`${url}/v1/events${query}`, { headers, signal: stop.signal })
    const found: { type: string; cursor: string }[] = []
    let text = ''
    let sent = false
    for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
      text += part
      found.splice(0, found.length, ...[...text.matchAll(/^data: (.*)$/gm)].map((match) => JSON.parse(match[1]!)))
      if (!sent && found.some(({ type }) => type === 'feed.ready')) {
        sent = true
        await happen('job.queued')
        await happen('job.started')
      }
      if (found.length >= count) break
    }
    stop.abort()
    return found
  }
  const first = await read(3)
  expect(first.map(({ type }) => type)).toEqual(['feed.ready', 'job.queued', 'job.started'])
  const again = await read(4, first[1]!.cursor)
  expect(again.map(({ type }) => type)).toEqual(['job.started', 'feed.ready', 'job.queued', 'job.started'])
})
