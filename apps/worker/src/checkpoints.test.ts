import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { LeaseMessage } from '@fog/contract'
import { cpuTicks, descendants, until } from './testing/processes.ts'
import { program } from './testing/programs.ts'
import { TestFog } from './testing/test-fog.ts'
import { WorkerProcess } from './testing/worker-process.ts'

// Real processes, on a machine that runs other tests beside them.
vi.setConfig({ testTimeout: 60_000 })

const ENDLESS = '1000000000'
const ROUNDS = '100000'
const state = { everyMs: 100, maxBytes: 1_000_000, files: [] }
const limits = { wallMs: 600_000 }
const folders: string[] = []
let fog: TestFog

beforeAll(async () => {
  fog = await TestFog.start()
})

afterEach(() => {
  fog.checkpointAnswer = 'taken'
  const [complaint] = fog.complaints.splice(0)
  if (complaint) throw new Error(complaint)
})

afterAll(async () => {
  await fog.stop()
  folders.forEach((folder) => rmSync(folder, { recursive: true, force: true }))
})

describe('a worker that is connected', () => {
  let worker: WorkerProcess
  let folder: string

  beforeAll(async () => {
    folder = newFolder()
    worker = await WorkerProcess.connected(fog, folder)
  })

  afterAll(async () => {
    await worker.stopped()
  })

  test('ships what the program renamed into /state, in order, each signed and uploaded before', async () => {
    const lease = fog.lease(program('steps'), { args: [ENDLESS, ROUNDS], state, limits })
    fog.give(lease)
    await until('three have come', () => shipped(lease).length >= 3)
    expect(
      shipped(lease)
        .slice(0, 3)
        .map(({ sequence }) => sequence),
    ).toEqual([1, 2, 3])
    const steps = shipped(lease).map(stepOf)
    expect(steps).toEqual(steps.toSorted((a, b) => a - b))
    const fuels = shipped(lease).map(({ fuel }) => BigInt(fuel))
    expect(fuels.every((fuel, i) => i === 0 || fuel > fuels[i - 1]!)).toBe(true)
    fog.send({ type: 'cancel', attempts: [lease.attemptId] })
    await until('nothing is held', () => fog.of('heartbeat').at(-1)!.attempts.length === 0)
    // Small ones never touch the disk, and the folder of large ones goes with the task.
    expect(existsSync(join(folder, 'state', lease.attemptId))).toBe(false)
    expect(fog.of('returned', lease.attemptId)).toEqual([])
  })

  test('goes on from what an earlier attempt left, and ships nothing for a program that makes none', async () => {
    const at = fog.keep(Buffer.from('5 42'))
    const files = [{ path: 'at', ...at }]
    const resumed = fog.lease(program('steps'), { args: ['7', ROUNDS], state: { ...state, files } })
    const result = await fog.run(resumed)
    expect(Buffer.from(fog.contentOf(result, result.report.stderr.digest)!).toString()).toBe('from 5\nat 6\nat 7\n')
    expect(result.report.outputs).toEqual([])

    const unaware = fog.lease(program('hello'), { state })
    expect((await fog.run(unaware)).report.outcome).toEqual({ ok: true })
    expect(fog.of('checkpoint', unaware.attemptId)).toEqual([])
    const without = fog.lease(program('steps'), { args: ['30', ROUNDS] })
    await fog.run(without)
    expect(fog.of('checkpoint', without.attemptId)).toEqual([])
  })

  test('the result of a task is the same with checkpoints, without them, and whatever its /state holds at the end', async () => {
    const [one, other] = [
      await fog.run(fog.lease(program('steps'), { args: ['20', ROUNDS], state })),
      await fog.run(fog.lease(program('steps'), { args: ['20', ROUNDS] })),
    ]
    expect(one.report.digest).toBe(other.report.digest)
  })

  test('large state passes through the disk, where only what is on its way lies, and comes whole', async () => {
    const lease = fog.lease(program('steps'), { args: [ENDLESS, ROUNDS, '300000'], state, limits })
    fog.give(lease)
    await until('three have come', () => shipped(lease).length >= 3)
    expect(shipped(lease).every(({ files }) => files[0]!.size > 300_000)).toBe(true)
    const steps = shipped(lease).map(stepOf)
    expect(new Set(steps).size).toBe(steps.length)
    expect(readdirSync(join(folder, 'state', lease.attemptId)).length).toBeLessThanOrEqual(3)
    preempt(lease, 15_000)
    await fog.returned(lease)
    expect(fog.of('returned', lease.attemptId)[0]!.checkpoint).toBe(shipped(lease).at(-1)!.sequence)
    expect(existsSync(join(folder, 'state', lease.attemptId))).toBe(false)
    const files = shipped(lease).at(-1)!.files
    const next = fog.lease(program('steps'), { args: ['1', ROUNDS], state: { ...state, files } })
    const { report } = await fog.run(next)
    expect(report.outcome).toEqual({ ok: true })
    expect(Number(report.fuel)).toBeLessThan(1_000_000)
  })

  test('when preempted it ships the newest one, ends the program and names it, well within the grace', async () => {
    const lease = fog.lease(program('steps'), {
      args: [ENDLESS, ROUNDS],
      state: { ...state, everyMs: 600_000 },
      limits,
    })
    fog.give(lease)
    await until('the first has come', () => shipped(lease).length === 1)
    await until('it went on', () => lastPrinted(lease) > stepOf(shipped(lease)[0]!) + 3)
    const printed = lastPrinted(lease)
    const before = performance.now()
    preempt(lease, 15_000)
    expect(await fog.returned(lease)).toBe('a Platinum task needs the place')
    expect(performance.now() - before).toBeLessThan(5_000)
    expect(shipped(lease)).toHaveLength(2)
    expect(stepOf(shipped(lease)[1]!)).toBeGreaterThanOrEqual(printed)
    expect(fog.of('returned', lease.attemptId)[0]!.checkpoint).toBe(2)
    await until('nothing computes any more', () => fog.of('heartbeat').at(-1)!.attempts.length === 0)
  })

  test('without an answer to its last checkpoint the task goes back after the grace, with the one before', async () => {
    const lease = fog.lease(program('steps'), {
      args: [ENDLESS, ROUNDS],
      state: { ...state, everyMs: 600_000 },
      limits,
    })
    fog.give(lease)
    await until('the first has come', () => shipped(lease).length === 1)
    fog.checkpointAnswer = 'none'
    await until('it went on', () => lastPrinted(lease) > stepOf(shipped(lease)[0]!))
    const before = performance.now()
    preempt(lease, 1_000)
    await fog.returned(lease)
    expect(performance.now() - before).toBeGreaterThan(900)
    expect(fog.of('returned', lease.attemptId)[0]!.checkpoint).toBe(1)
  })

  test('a task that makes no checkpoints, or was not begun, goes back at once', async () => {
    const lease = fog.lease(program('spin'), { state, limits })
    fog.give(lease)
    await fog.started(lease)
    preempt(lease, 15_000)
    await fog.returned(lease)
    expect(fog.of('returned', lease.attemptId)[0]).not.toHaveProperty('checkpoint')
  })

  test('what was refused is not tried for ever, and the next one is shipped', async () => {
    fog.checkpointAnswer = 'refused'
    const lease = fog.lease(program('steps'), { args: [ENDLESS, ROUNDS], state, limits })
    fog.give(lease)
    await until('two were refused', () => shipped(lease).length >= 2)
    fog.checkpointAnswer = 'taken'
    const refused = shipped(lease).length
    await until('more came', () => shipped(lease).length >= refused + 2)
    preempt(lease, 5_000)
    await fog.returned(lease)
    expect(fog.of('returned', lease.attemptId)[0]!.checkpoint).toBeGreaterThan(refused)
  })
})

test('told to stop, a worker gives its tasks back with their checkpoints', async () => {
  const worker = await WorkerProcess.connected(fog, newFolder(), { FOG_WORKER_STOP_GRACE_SECONDS: '0' })
  const lease = fog.lease(program('steps'), { args: [ENDLESS, ROUNDS], state: { ...state, everyMs: 600_000 }, limits })
  fog.give(lease)
  await until('the first has come', () => shipped(lease).length === 1)
  await worker.stopped()
  expect(await fog.returned(lease)).toBe('the worker is stopping')
  expect(fog.of('returned', lease.attemptId)[0]!.checkpoint).toBe(shipped(lease).at(-1)!.sequence)
})

test('killed in the middle, it leaves no checkpoint of its own behind', async () => {
  const folder = newFolder()
  const worker = await WorkerProcess.connected(fog, folder)
  const lease = fog.lease(program('steps'), { args: [ENDLESS, ROUNDS], state, limits })
  fog.give(lease)
  await until('one has come', () => shipped(lease).length > 0)
  await worker.stopped('SIGKILL')
  const again = await WorkerProcess.connected(fog, folder)
  expect(fog.of('hello').at(-1)!.attempts).toEqual([])
  expect(readdirSync(join(folder, 'state'))).toEqual([])
  await again.stopped()
})

test.runIf(process.platform === 'linux')(
  'a person who comes back: the task stands still, and after a while it leaves with its checkpoint',
  async () => {
    // The real worker and its real sensors; only the program that X11 desktops ask for the idle time is ours.
    const folder = newFolder()
    const idle = join(folder, 'idle-ms')
    const command = join(folder, 'xprintidle')
    writeFileSync(idle, '10000000')
    writeFileSync(command, `#!/bin/sh\ncat ${idle}\n`)
    chmodSync(command, 0o755)
    const worker = await WorkerProcess.connected(fog, join(folder, 'worker'), {
      FOG_WORKER_POLICY: 'desktop',
      FOG_WORKER_EVICT_AFTER_SECONDS: '2',
      FOG_WORKER_EVICT_GRACE_SECONDS: '15',
      DISPLAY: ':0',
      PATH: `${folder}:${process.env['PATH']}`,
    })
    const lease = fog.lease(program('steps'), {
      args: [ENDLESS, ROUNDS],
      state: { ...state, everyMs: 600_000 },
      limits,
    })
    fog.give(lease)
    await until('the first has come', () => shipped(lease).length === 1)
    await until('it went on', () => lastPrinted(lease) > stepOf(shipped(lease)[0]!) + 3)
    writeFileSync(idle, '0')
    await until('it is paused', () => fog.of('harvest').at(-1)?.harvest.mode === 'suspend')
    const pausedAt = performance.now()
    const printed = lastPrinted(lease)
    const atPause = cpuTicks(descendants(worker.pid))
    await new Promise((resolve) => setTimeout(resolve, 700))
    expect(cpuTicks(descendants(worker.pid)) - atPause).toBeLessThan(15)
    expect(fog.of('returned', lease.attemptId)).toEqual([])

    expect(await fog.returned(lease)).toMatch(/^this device is needed by its owner: paused: you used this device/)
    expect(performance.now() - pausedAt).toBeGreaterThan(1_000)
    expect(shipped(lease)).toHaveLength(2)
    expect(stepOf(shipped(lease)[1]!)).toBeGreaterThanOrEqual(printed)
    expect(fog.of('returned', lease.attemptId)[0]!.checkpoint).toBe(2)
    await worker.stopped()
  },
)

function shipped(lease: LeaseMessage) {
  return fog.of('checkpoint', lease.attemptId).map(({ checkpoint }) => checkpoint)
}

/** How far the program had come, by the file it keeps. */
function stepOf({ files }: { readonly files: readonly { readonly path: string; readonly digest: string }[] }): number {
  expect(files.map(({ path }) => path)).toEqual(['at'])
  return parseInt(Buffer.from(fog.content.get(files[0]!.digest)!).toString(), 10)
}

/** How far it says it is. */
function lastPrinted({ attemptId }: LeaseMessage): number {
  const text = fog
    .of('log', attemptId)
    .map((log) => log.text)
    .join('')
  return Number(
    text
      .match(/at (\d+)\n/g)
      ?.at(-1)
      ?.match(/\d+/)?.[0] ?? 0,
  )
}

function preempt({ attemptId, fence }: LeaseMessage, graceMs: number): void {
  fog.send({ type: 'preempt', attemptId, fence, graceMs, reason: 'a Platinum task needs the place' })
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fog-checkpoints-'))
  folders.push(folder)
  return folder
}
