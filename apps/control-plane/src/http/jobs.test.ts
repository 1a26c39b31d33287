import type { JobView, NodeView, Problem, QuoteView, TaskDetailView, TaskView } from '@fog/contract'
import { parseId, utf8 } from '@fog/kernel'
import { keyPairFromSeed } from '@fog/kernel/node'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cancelJob } from '../flows/cancel-job.ts'
import { digestOf, openTestServer, strangeId, type TestPerson, type TestServer } from './testing/test-server.ts'
import { addNode, enrolment, NOOP, submitAndPlace, uploadNoop } from './testing/test-work.ts'

let fog: TestServer
let ada: TestPerson
let eve: TestPerson
let adas: string
let eves: string
beforeEach(async () => {
  fog = await openTestServer({ limits: { maxBlobBytes: 1_000_000 } })
  ada = await fog.addPerson('ada')
  eve = await fog.addPerson('eve')
  adas = await fog.tokenOf(ada, ['jobs:read', 'jobs:write', 'nodes:read', 'nodes:write', 'ledger:read'])
  eves = await fog.tokenOf(eve, ['jobs:read', 'jobs:write', 'nodes:read', 'nodes:write'])
})
afterEach(() => fog.stop())

function codeOf(response: { json(): unknown }): string {
  return (response.json() as Problem).code
}

describe('content', () => {
  const small = utf8('small content')
  const large = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251)

  test.each([
    ['small', small],
    ['large', large],
    ['empty', new Uint8Array()],
  ])('%s content comes back as it went in', async (_, content) => {
    const params = { digest: digestOf(content) }
    expect((await fog.ask('putBlob', { params, content, token: adas })).statusCode).toBe(204)
    const got = await fog.ask('getBlob', { params, query: { name: 'r/é "1".txt' }, token: adas })
    expect(got.rawPayload).toEqual(Buffer.from(content))
    expect(got.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(content.length),
      'x-content-type-options': 'nosniff',
      etag: `"${params.digest}"`,
      'content-disposition': `attachment; filename="_ 1.txt"; filename*=UTF-8''%C3%A9%201.txt`,
    })
    const again = await fog.ask('getBlob', { params, token: adas, headers: { 'if-none-match': `"${params.digest}"` } })
    expect(again.statusCode).toBe(304)
  })

  test('is refused under a wrong hash, small or large, and not kept', async () => {
    for (const content of [small, large]) {
      const params = { digest: digestOf(utf8('something else')) }
      const refused = await fog.ask('putBlob', { params, content, token: adas })
      expect(refused.statusCode).toBe(422)
      expect(codeOf(refused)).toBe('blob.hash_mismatch')
      expect(await fog.platform.blobs.has(digestOf(content))).toBe(false)
      expect((await fog.ask('getBlob', { params, token: adas })).statusCode).toBe(404)
    }
  })

  test('is refused beyond the limit, whether it says so or not', async () => {
    const content = new Uint8Array(1_000_001)
    const params = { digest: digestOf(content) }
    const refused = await fog.ask('putBlob', { params, content, token: adas })
    expect([refused.statusCode, codeOf(refused)]).toEqual([413, 'blob.too_large'])
    const silent = { params, content, token: adas, headers: { 'content-length': '', 'transfer-encoding': 'chunked' } }
    expect((await fog.ask('putBlob', silent)).statusCode).toBe(413)
  })

  test('of another person does not exist for you until you prove that you have it', async () => {
    const params = { digest: digestOf(small) }
    await fog.ask('putBlob', { params, content: small, token: adas })
    const unseen = await fog.ask('getBlob', { params, token: eves })
    expect([unseen.statusCode, codeOf(unseen)]).toEqual([404, 'blob.not_found'])
    const missing = await fog.ask('findMissingBlobs', {
      body: { digests: [params.digest, params.digest] },
      token: eves,
    })
    expect(missing.json()).toEqual({ missing: [params.digest] })
    expect((await fog.ask('findMissingBlobs', { body: { digests: [params.digest] }, token: adas })).json()).toEqual({
      missing: [],
    })
    await fog.ask('putBlob', { params, content: small, token: eves })
    expect((await fog.ask('getBlob', { params, token: eves })).statusCode).toBe(200)
  })
})

describe('jobs', () => {
  test('are quoted, submitted, listed, looked at and cancelled by their owner', async () => {
    await addNode(fog, eve)
    const submission = await uploadNoop(fog, adas)
    const quote = (await fog.ask('quote', { body: submission, token: adas })).json<QuoteView>()
    expect(quote).toMatchObject({ tasks: 2, affordable: true, refusals: [] })
    const submitted = await fog.ask('submitJob', { body: submission, token: adas })
    expect(submitted.statusCode).toBe(201)
    const job = submitted.json<JobView>()
    expect(job).toMatchObject({ accountId: ada.accountId, status: 'queued', tasks: 2, priceCap: quote.priceCap })
    const params = { jobId: job.jobId }
    expect((await fog.ask('getJob', { params, token: adas })).json()).toEqual(job)
    expect((await fog.ask('listJobs', { token: adas })).json()).toEqual({ items: [job] })
    expect((await fog.ask('getMe', { token: adas })).json()).toMatchObject({ onHold: quote.priceCap })
    expect((await fog.ask('getOverview', { token: adas })).json()).toMatchObject({
      jobs: { queued: 1 },
      nodes: { online: 1 },
    })
    const cancelled = await fog.ask('cancelJob', { params, token: adas })
    expect(cancelled.statusCode).toBe(202)
    expect(cancelled.json()).toMatchObject({ status: 'cancelled', counts: { cancelled: 2 } })
    expect(codeOf(await fog.ask('cancelJob', { params, token: adas }))).toBe('job.over')
    expect((await fog.ask('getReceipt', { params, token: adas })).json()).toMatchObject({ cost: '0', lines: [] })
    expect((await fog.ask('explainJob', { params, token: adas })).json()).toMatchObject({ status: 'cancelled' })
  })

  test('of others do not exist for you, on any route that names one; admins see them', async () => {
    await addNode(fog, eve)
    const { job } = await submitAndPlace(fog, adas, await uploadNoop(fog, adas))
    const admin = await fog.tokenOf(await fog.addPerson('root', 'admin'), ['admin'])
    const params = { jobId: job.jobId }
    const tasks = (await fog.ask('listTasks', { params, token: adas })).json<{ items: TaskView[] }>().items
    const ofTask = { taskId: tasks[0]!.taskId }
    for (const name of ['getJob', 'listTasks', 'listResults', 'getReceipt', 'explainJob'] as const) {
      const theirs = await fog.ask(name, { params, token: eves })
      expect([name, theirs.statusCode, codeOf(theirs)]).toEqual([name, 404, 'job.not_found'])
      const nobodys = await fog.ask(name, { params: { jobId: strangeId('job') }, token: eves })
      expect([name, nobodys.statusCode, codeOf(nobodys)]).toEqual([name, 404, 'job.not_found'])
      expect([name, (await fog.ask(name, { params, token: admin })).statusCode]).toEqual([name, 200])
    }
    for (const name of ['getTask', 'getTaskLogs'] as const) {
      expect(codeOf(await fog.ask(name, { params: ofTask, token: eves }))).toBe('task.not_found')
      expect((await fog.ask(name, { params: ofTask, token: admin })).statusCode).toBe(200)
    }
    expect(codeOf(await fog.ask('cancelJob', { params, token: eves }))).toBe('job.not_found')
    expect((await fog.ask('listJobs', { token: eves })).json()).toEqual({ items: [] })
    expect(codeOf(await fog.ask('listJobs', { query: { all: true }, token: eves }))).toBe('access.scope_missing')
    expect((await fog.ask('listJobs', { query: { all: true }, token: admin })).json()).toMatchObject({ items: [{}] })
  })

  test('a placed task names its node, and its page its attempts', async () => {
    const nodeId = await addNode(fog, eve, 'attic pc')
    const { job } = await submitAndPlace(fog, adas, await uploadNoop(fog, adas))
    const first = await fog.ask('listTasks', { params: { jobId: job.jobId }, query: { limit: 1 }, token: adas })
    const page = first.json<{ items: TaskView[]; next: string }>()
    expect(page).toMatchObject({
      items: [{ index: 0, status: 'queued', attempts: 1, nodeId, nodeName: 'attic pc' }],
      next: '0',
    })
    const rest = await fog.ask('listTasks', { params: { jobId: job.jobId }, query: { after: page.next }, token: adas })
    expect(rest.json()).toMatchObject({ items: [{ index: 1 }] })
    expect(rest.json()).not.toHaveProperty('next')
    const { taskId } = page.items[0]!
    const detail = (await fog.ask('getTask', { params: { taskId }, token: adas })).json<TaskDetailView>()
    expect(detail.attempts).toMatchObject([
      { nodeId, nodeName: 'attic pc', fence: 1, status: 'leased', accepted: false },
    ])
    expect((await fog.ask('getTaskLogs', { params: { taskId }, token: adas })).json()).toEqual({ items: [] })
  })

  test('that cannot run are refused before they cost anything', async () => {
    const submission = await uploadNoop(fog, adas)
    const missing = { ...submission, program: { kind: 'wasm' as const, digest: digestOf(utf8('nowhere')) } }
    expect(codeOf(await fog.ask('submitJob', { body: missing, token: adas }))).toBe('job.program_missing')
    const text = utf8('no module at all')
    await fog.ask('putBlob', { params: { digest: digestOf(text) }, content: text, token: adas })
    const wrong = { ...submission, program: { kind: 'wasm' as const, digest: digestOf(text) } }
    expect(codeOf(await fog.ask('submitJob', { body: wrong, token: adas }))).toBe('program.not_a_module')
    await addNode(fog, eve)
    const dear = { ...submission, resources: { wallSeconds: 86_400, fuel: Number.MAX_SAFE_INTEGER } }
    const refused = await fog.ask('submitJob', { body: dear, token: adas })
    expect([refused.statusCode, codeOf(refused)]).toEqual([402, 'job.unaffordable'])
    expect((await fog.ask('getMe', { token: adas })).json()).toMatchObject({ available: '100', onHold: '0' })
  })
})

describe('nodes', () => {
  test('enrol with a join token, once for each use, and only with their own key', async () => {
    const made = await fog.ask('addJoinToken', { body: { name: 'join' }, token: adas })
    const { secret } = made.json<{ secret: string }>()
    expect(secret).toMatch(/^fogjoin_[0-9a-z]{52}$/)
    const [one, two] = [keyPairFromSeed(new Uint8Array(32).fill(1)), keyPairFromSeed(new Uint8Array(32).fill(2))]
    const forged = { ...enrolment(secret, 'laptop', one), publicKey: enrolment(secret, 'laptop', two).publicKey }
    expect(codeOf(await fog.ask('enrolNode', { body: forged }))).toBe('node.signature_invalid')
    const enrolled = await fog.ask('enrolNode', { body: enrolment(secret, 'laptop', one) })
    expect(enrolled.statusCode).toBe(201)
    const again = await fog.ask('enrolNode', { body: enrolment(secret, 'laptop', one) })
    expect(again.json()).toEqual(enrolled.json())
    expect(codeOf(await fog.ask('enrolNode', { body: enrolment(secret, 'phone', two) }))).toBe(
      'node.join_token_used_up',
    )
    expect(codeOf(await fog.ask('enrolNode', { body: enrolment('fogjoin_no', 'phone', two) }))).toBe(
      'node.join_token_invalid',
    )
  })

  test('are seen by everybody and changed by their owner and admins only', async () => {
    const nodeId = await addNode(fog, ada)
    const params = { nodeId }
    const seen = (await fog.ask('getNode', { params, token: eves })).json<NodeView>()
    expect(seen).toMatchObject({ nodeId, mine: false, state: 'online', capacity: { cores: 4 }, running: 0 })
    expect((await fog.ask('listNodes', { query: { mine: true }, token: eves })).json()).toEqual({ items: [] })
    expect((await fog.ask('listNodes', { query: { mine: true }, token: adas })).json()).toMatchObject({
      items: [{ nodeId }],
    })
    const drain = { params, body: { duty: 'draining' } as const }
    expect(codeOf(await fog.ask('setNodeDuty', { ...drain, token: eves }))).toBe('node.not_found')
    const drained = await fog.ask('setNodeDuty', { ...drain, token: adas })
    expect(drained.json()).toMatchObject({ state: 'draining', reasons: ['draining by its operator'] })
    const admin = await fog.tokenOf(await fog.addPerson('root', 'admin'), ['admin'])
    expect((await fog.ask('setNodeDuty', { params, body: { duty: 'active' }, token: admin })).statusCode).toBe(200)
    expect((await fog.ask('getNode', { params: { nodeId: strangeId('node') }, token: adas })).statusCode).toBe(404)
  })
})

describe('content of an attempt', () => {
  test('is read by the node that holds it, and nothing else is', async () => {
    const other = utf8('a private file of ada')
    await fog.ask('putBlob', { params: { digest: digestOf(other) }, content: other, token: adas })
    const nodeId = await addNode(fog, eve)
    const stranger = await addNode(fog, eve, 'another')
    const { attempts } = await submitAndPlace(fog, adas, await uploadNoop(fog, adas))
    const { attemptId } = attempts.find((attempt) => attempt.nodeId === nodeId) ?? attempts[0]!
    const holder = attempts.find((attempt) => attempt.attemptId === attemptId)!.nodeId
    const foreign = holder === nodeId ? stranger : nodeId
    const { token } = await fog.access.signer.mintNodeToken(holder)
    const program = { attemptId, digest: digestOf(NOOP) }
    expect((await fog.ask('getNodeBlob', { params: program, token })).rawPayload).toEqual(Buffer.from(NOOP))
    const beyond = { attemptId, digest: digestOf(other) }
    expect(codeOf(await fog.ask('getNodeBlob', { params: beyond, token }))).toBe('blob.not_found')
    const theirs = await fog.access.signer.mintNodeToken(foreign)
    expect((await fog.ask('getNodeBlob', { params: program, token: theirs.token })).statusCode).toBe(404)
    expect((await fog.ask('getNodeBlob', { params: program, token: adas })).statusCode).toBe(401)
    expect((await fog.ask('getJob', { params: { jobId: strangeId('job') }, token })).statusCode).toBe(401)
  })

  test('is written within the job’s limit, while the lease lives, and read by the job’s account alone', async () => {
    await addNode(fog, eve)
    const { job, attempts } = await submitAndPlace(fog, adas, await uploadNoop(fog, adas))
    const { attemptId, nodeId } = attempts[0]!
    const { token } = await fog.access.signer.mintNodeToken(nodeId)
    const output = new Uint8Array(100_000).fill(7)
    const params = { attemptId, digest: digestOf(output) }
    expect((await fog.ask('putNodeBlob', { params, content: output, token })).statusCode).toBe(204)
    expect((await fog.ask('getBlob', { params, token: adas })).statusCode).toBe(200)
    expect((await fog.ask('getBlob', { params, token: eves })).statusCode).toBe(404)
    const large = new Uint8Array(2 ** 20 + 1)
    const over = await fog.ask('putNodeBlob', { params: { attemptId, digest: digestOf(large) }, content: large, token })
    expect([over.statusCode, codeOf(over)]).toEqual([413, 'blob.too_large'])
    const statuses = []
    for (let i = 0; i < 4; i += 1) {
      const content = new Uint8Array(2 ** 20).fill(i)
      statuses.push(
        (await fog.ask('putNodeBlob', { params: { attemptId, digest: digestOf(content) }, content, token })).statusCode,
      )
    }
    expect(statuses).toEqual([204, 204, 413, 413])
    await cancelJob(fog.platform, parseId('job', job.jobId))
    const late = utf8('late')
    const refused = await fog.ask('putNodeBlob', {
      params: { attemptId, digest: digestOf(late) },
      content: late,
      token,
    })
    expect(codeOf(refused)).toBe('blob.not_found')
  })

  test('a node’s token ends after a quarter of an hour', async () => {
    const nodeId = await addNode(fog, eve)
    const { token } = await fog.access.signer.mintNodeToken(nodeId)
    fog.clock.advance(15 * 60_000 + 1000)
    const params = { attemptId: strangeId('attempt'), digest: digestOf(NOOP) }
    expect(codeOf(await fog.ask('getNodeBlob', { params, token }))).toBe('access.token_expired')
  })
})
