import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { utf8 } from '@fog/kernel'
import { descendants, isAlive, until } from './testing/processes.ts'
import { program } from './testing/programs.ts'
import { TestFog } from './testing/test-fog.ts'
import { settings, WorkerProcess } from './testing/worker-process.ts'

// Real processes, on a machine that runs other tests beside them.
vi.setConfig({ testTimeout: 60_000 })

const MIB = 1024 * 1024
const folders: string[] = []
let fog: TestFog

beforeAll(async () => {
  fog = await TestFog.start()
})

afterEach(() => {
  const [complaint] = fog.complaints.splice(0)
  if (complaint) throw new Error(complaint)
})

afterAll(async () => {
  await fog.stop()
  folders.forEach((folder) => rmSync(folder, { recursive: true, force: true }))
})

describe('a worker that is connected', () => {
  let worker: WorkerProcess

  beforeAll(async () => {
    worker = await WorkerProcess.connected(fog, newFolder())
  })

  afterAll(async () => {
    await worker.stopped()
  })

  test('says what it offers and why', () => {
    const hello = fog.of('hello').at(-1)!
    expect(hello.capacity).toEqual({ cpuMilli: 2000, memoryBytes: 1024 * MIB, diskBytes: 2048 * MIB })
    expect(hello.device.kinds).toEqual(['wasm'])
    expect(hello.harvest).toMatchObject({ mode: 'run', cpuShare: 100 })
    expect(hello.harvest.reasons).not.toEqual([])
    expect(hello.attempts).toEqual([])
  })

  test('runs a task and reports it whole', async () => {
    const lease = fog.lease(program('hello'), { args: ['fog'] })
    const result = await fog.run(lease)
    expect(result.report).toMatchObject({ outcome: { ok: true }, exitCode: 0, exit: 'exited:0', outputs: [] })
    expect(Buffer.from(fog.contentOf(result, result.report.stdout.digest)!).toString()).toBe('hello fog\n')
    // Of a task that ends at once, the result alone says that it has started.
    expect(fog.of('started', lease.attemptId).length).toBeLessThanOrEqual(1)
    const logs = fog.of('log', lease.attemptId)
    expect(logs.map(({ stream, text }) => `${stream}: ${text}`)).toEqual(['stdout: hello fog\n'])
  })

  test('the same task gives the same digest', async () => {
    const [one, other] = [
      await fog.run(fog.lease(program('mandel'), { args: ['60'] })),
      await fog.run(fog.lease(program('mandel'), { args: ['60'] })),
    ]
    expect(one.report.digest).toBe(other.report.digest)
    expect(one.report.fuel).toBe(other.report.fuel)
  })

  test.each([
    ['trap', {}, 'trapped'],
    ['exit3', {}, 'exit_nonzero'],
    ['spin', { fuel: '10000000' }, 'fuel_exhausted'],
    ['spin', { wallMs: 200 }, 'wall_exceeded'],
    ['start-loop', { wallMs: 200 }, 'wall_exceeded'],
    ['memory-hog', { memoryBytes: 16 * MIB }, 'memory_exceeded'],
    ['output-flood', { diskBytes: 2 * MIB }, 'output_exceeded'],
    ['mandel', { outputBytes: 1000 }, 'output_exceeded'],
  ] as const)('%s with %j fails as %s', async (name, limits, reason) => {
    const result = await fog.run(fog.lease(program(name), { limits }))
    expect(result.report.outcome).toMatchObject({ ok: false, failure: { reason } })
    expect(result.report.outputs).toEqual([])
    const next = await fog.run(fog.lease(program('noop')))
    expect(next.report.outcome).toEqual({ ok: true })
  })

  test('a program that is none fails as not loadable', async () => {
    const result = await fog.run(fog.lease(utf8('#!/bin/sh\n')))
    expect(result.report.outcome).toMatchObject({ ok: false, failure: { reason: 'not_loadable' } })
  })

  test('what was printed before the wall limit is kept', async () => {
    const lease = fog.lease(program('sleep'), { args: ['60000'], limits: { wallMs: 300 } })
    const result = await fog.run(lease)
    expect(result.report.outcome).toMatchObject({ failure: { reason: 'wall_exceeded' } })
    expect(result.report.wallMs).toBeGreaterThanOrEqual(300)
  })

  test('inputs are fetched once, checked and kept for later tasks', async () => {
    const given = fog.keep(utf8('given'))
    const inputs = [{ path: '/in/given.txt', ...given }]
    const first = await fog.run(fog.lease(program('files'), { inputs }))
    expect(Buffer.from(fog.contentOf(first, first.report.stdout.digest)!).toString()).toContain('given file: ok')
    await Promise.all([1, 2].map(() => fog.run(fog.lease(program('files'), { inputs }))))
    expect(fog.fetches.filter((digest) => digest === given.digest)).toHaveLength(1)
  })

  test('an input that comes damaged or not at all gives the task back, and a passing fault does not', async () => {
    const damaged = fog.keep(utf8('as it should be'))
    fog.serve = (digest, response) => digest === damaged.digest && Boolean(response.end('as it should bE'))
    const inputs = [{ path: '/in/x', ...damaged }]
    const spoilt = fog.lease(program('noop'), { inputs })
    fog.give(spoilt)
    expect(await fog.returned(spoilt)).toMatch(/came damaged/)

    const missing = fog.lease(program('noop'), { inputs: [{ path: '/in/y', digest: 'ab'.repeat(32), size: 3 }] })
    fog.give(missing)
    expect(await fog.returned(missing)).toMatch(/could not be fetched: There is no such content/)

    let faults = 2
    const later = fog.keep(utf8('comes at the third try'))
    fog.serve = (digest, response) => digest === later.digest && faults-- > 0 && Boolean(response.writeHead(503).end())
    const result = await fog.run(fog.lease(program('noop'), { inputs: [{ path: '/in/z', ...later }] }))
    fog.serve = undefined
    expect(result.report.outcome).toEqual({ ok: true })
  })

  test('large outputs are uploaded before the result is sent', async () => {
    const lease = fog.lease(program('mandel'), { args: ['700'] })
    const result = await fog.run(lease)
    expect(result.report.outputs).toMatchObject([{ path: 'mandel.pgm', size: 15 + 700 * 700 }])
    expect(fog.uploads.filter(({ attemptId }) => attemptId === lease.attemptId)).toHaveLength(1)
    expect(result.inline.some(({ digest }) => digest === result.report.outputs[0]!.digest)).toBe(false)
  })

  test('what does not fit yet waits its turn, and what never will comes back with the reason', async () => {
    const running = [1, 2].map(() => fog.lease(program('sleep'), { args: ['300'], limits: { cpuMilli: 1000 } }))
    const oneMore = fog.lease(program('noop'), { limits: { cpuMilli: 1 } })
    const tooLarge = fog.lease(program('noop'), { limits: { memoryBytes: 4096 * MIB } })
    fog.give(...running, oneMore, tooLarge)
    expect(await fog.returned(tooLarge)).toMatch(/lends less memory/)
    expect((await fog.result(oneMore)).report.outcome).toEqual({ ok: true })
    expect(running.some((lease) => fog.of('result', lease.attemptId).length > 0)).toBe(true)
    await Promise.all(running.map((lease) => fog.result(lease)))
  })

  test('a cancelled task stops within a second, and nothing more is heard of it', async () => {
    const lease = fog.lease(program('spin'), { limits: { wallMs: 60_000 } })
    fog.give(lease)
    await fog.started(lease)
    const before = performance.now()
    fog.send({ type: 'cancel', attempts: [lease.attemptId] })
    await until('it is no longer held', () => !fog.of('heartbeat').at(-1)!.attempts.includes(lease.attemptId))
    expect(performance.now() - before).toBeLessThan(1000 + fog.heartbeatMs * 2)
    expect(fog.of('result', lease.attemptId)).toEqual([])
    expect(fog.of('returned', lease.attemptId)).toEqual([])
  })

  test('a lease that comes twice is run once, also after its result', async () => {
    const lease = fog.lease(program('sleep'), { args: ['200'] })
    fog.give(lease, lease)
    fog.give(lease)
    await fog.result(lease)
    fog.give(lease)
    await fog.run(fog.lease(program('noop')))
    expect(fog.of('result', lease.attemptId)).toHaveLength(1)
  })

  test('a result is brought again until it is acknowledged', async () => {
    fog.acknowledges = false
    const lease = fog.lease(program('hello'))
    await fog.run(lease)
    fog.give(lease)
    await until('it came again', () => fog.of('result', lease.attemptId).length === 2)
    fog.cut()
    await until('it came after the break', () => fog.of('result', lease.attemptId).length === 3)
    expect(fog.of('hello').at(-1)!.attempts).toContain(lease.attemptId)
    fog.acknowledges = true
    fog.ack(lease.attemptId)
    await until('it is forgotten', () => !fog.of('heartbeat').at(-1)!.attempts.includes(lease.attemptId))
    const [first, second] = fog.of('result', lease.attemptId)
    expect(second).toEqual(first)
  })

  test('a task goes on while the connection is lost, and its result comes with the next one', async () => {
    const lease = fog.lease(program('sleep'), { args: ['600'] })
    fog.give(lease)
    await fog.started(lease)
    fog.cut()
    const result = await fog.result(lease)
    expect(result.report.outcome).toEqual({ ok: true })
    expect(fog.of('hello').at(-1)!.attempts).toContain(lease.attemptId)
  })

  test('what is dropped at the welcome is stopped and forgotten', async () => {
    const lease = fog.lease(program('spin'), { limits: { wallMs: 60_000 } })
    fog.give(lease)
    await fog.started(lease)
    fog.drop = [lease.attemptId]
    const before = fog.welcomes
    fog.cut()
    await until('it is back', () => fog.welcomes > before)
    fog.drop = []
    await until('it is no longer held', () => fog.of('heartbeat').at(-1)!.attempts.length === 0)
    expect(fog.of('result', lease.attemptId)).toEqual([])
  })

  test('nonsense changes nothing', async () => {
    const before = fog.welcomes
    fog.sendRaw('{')
    fog.sendRaw('{"type":"leases","leases":[{"attemptId":"x"}]}')
    fog.sendRaw('{"type":"ack","attempts":["att_00000000000000000000000000"],"more":1}')
    fog.sendRaw(Uint8Array.of(1, 2, 3))
    fog.send({ type: 'ack', attempts: ['att_00000000000000000000000000'] })
    fog.send({ type: 'cancel', attempts: ['att_00000000000000000000000000'] })
    const result = await fog.run(fog.lease(program('noop')))
    expect(result.report.outcome).toEqual({ ok: true })
    expect(fog.welcomes).toBe(before)
  })

  test('a second worker on its folder is refused and says what to do', async () => {
    const second = new WorkerProcess(settings(fog, folders.at(-1)!))
    expect((await second.ended).code).toBe(1)
    expect(second.told).toMatchObject([{ type: 'failed', code: 'worker.folder_in_use' }])
    expect(second.printed).toMatch(/FOG_WORKER_DIR/)
  })
})

test('its identity is kept: the next start needs no join token', async () => {
  const folder = newFolder()
  const first = await WorkerProcess.connected(fog, folder)
  const { nodeId } = fog.of('hello').at(-1)!
  expect(await first.stopped()).toEqual({ code: 0, signal: null })
  expect(statSync(join(folder, 'identity.json')).mode & 0o777).toBe(0o600)
  const enrolments = fog.enrolments
  const second = await WorkerProcess.connected(fog, folder, { FOG_JOIN_TOKEN: '' })
  expect(fog.of('hello').at(-1)!.nodeId).toBe(nodeId)
  expect(fog.enrolments).toBe(enrolments)
  expect(second.printed).not.toContain(JSON.parse(readFileSync(join(folder, 'identity.json'), 'utf8')).seed)
  await second.stopped()
})

test.each([
  ['no join token', { FOG_JOIN_TOKEN: '' }, /not enrolled .* yet.*FOG_JOIN_TOKEN/],
  ['a wrong join token', { FOG_JOIN_TOKEN: 'wrong' }, /did not enrol this device: The join token is not valid/],
  ['a join token file that is not there', { FOG_JOIN_TOKEN: '', FOG_JOIN_TOKEN_FILE: '/no/such' }, /cannot be read/],
])('%s ends it with what to do', async (_, env, message) => {
  const worker = new WorkerProcess({ ...settings(fog, newFolder()), ...env })
  expect((await worker.ended).code).toBe(1)
  expect(worker.told.at(-1)?.message).toMatch(message)
})

test('a setting that makes no sense ends it with what it wants', async () => {
  const worker = new WorkerProcess({ ...settings(fog, newFolder()), FOG_WORKER_CORES: 'many' })
  expect((await worker.ended).code).toBe(2)
  expect(worker.printed).toMatch(/FOG_WORKER_CORES is "many"/)
})

test('a retired node is told so and ends', async () => {
  fog.refusal = { code: 'node.retired', detail: 'The node was retired.' }
  const worker = new WorkerProcess(settings(fog, newFolder()))
  expect((await worker.ended).code).toBe(1)
  fog.refusal = undefined
  expect(worker.told.at(-1)).toMatchObject({
    code: 'worker.refused',
    message: expect.stringMatching(/retired for good/),
  })
})

test('killed after a result was finished and before it was acknowledged, it brings the result at the next start', async () => {
  const folder = newFolder()
  fog.acknowledges = false
  const worker = await WorkerProcess.connected(fog, folder)
  const small = fog.lease(program('hello'))
  const large = fog.lease(program('mandel'), { args: ['500'] })
  const [first] = [await fog.run(small), await fog.run(large)]
  await worker.stopped('SIGKILL')
  fog.messages.length = 0
  fog.acknowledges = true
  const again = await WorkerProcess.connected(fog, folder)
  expect(fog.of('hello').at(-1)!.attempts).toEqual([small.attemptId, large.attemptId])
  expect(await fog.result(small)).toEqual(first)
  expect((await fog.result(large)).report.outputs).toHaveLength(1)
  await until('both are forgotten', () => fog.of('heartbeat').at(-1)?.attempts.length === 0)
  await again.stopped()
})

test('killed in the middle of a task, it leaves no process behind and does not claim the task afterwards', async () => {
  const folder = newFolder()
  const worker = await WorkerProcess.connected(fog, folder)
  const lease = fog.lease(program('spin'), { limits: { wallMs: 60_000 } })
  fog.give(lease)
  await fog.started(lease)
  const children = descendants(worker.pid)
  expect(children.length).toBeGreaterThan(0)
  await worker.stopped('SIGKILL')
  await until('its children are gone', () => !children.some(isAlive), 3000)
  const again = await WorkerProcess.connected(fog, folder)
  expect(fog.of('hello').at(-1)!.attempts).toEqual([])
  expect((await fog.run(fog.lease(program('noop')))).report.outcome).toEqual({ ok: true })
  await again.stopped()
})

test.each([
  ['told to stop', (worker: WorkerProcess) => worker.kill('SIGTERM')],
  ['its parent goes', (worker: WorkerProcess) => worker.disconnect()],
])('when %s it lets short tasks end, gives back long ones, and leaves no process', async (_, stop) => {
  const worker = await WorkerProcess.connected(fog, newFolder(), { FOG_WORKER_STOP_GRACE_SECONDS: '2' })
  const [short, long] = [
    fog.lease(program('sleep'), { args: ['400'] }),
    fog.lease(program('spin'), { limits: { wallMs: 60_000 } }),
  ]
  await fog.run(fog.lease(program('sleep'), { args: ['1'] }))
  fog.give(short, long)
  await Promise.all([fog.started(short), fog.started(long)])
  const children = descendants(worker.pid)
  stop(worker)
  expect((await fog.result(short)).report.outcome).toEqual({ ok: true })
  expect(await fog.returned(long)).toBe('the worker is stopping')
  expect(fog.of('harvest').at(-1)!.harvest.mode).toBe('off')
  expect((await worker.ended).code).toBe(0)
  expect(children.some(isAlive)).toBe(false)
})

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fog-worker-'))
  folders.push(folder)
  return folder
}
