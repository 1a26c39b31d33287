import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { JobSubmission, TaskDetailView } from '@fog/contract'
import type { Content, Fog } from '@fog/sdk'
import {
  eventually,
  FogProcesses,
  joinToken,
  nodesOnline,
  type Running,
  type RunningControlPlane,
} from '../support/fog-processes.ts'

/** Sleeps as long as its argument says. */
const SLEEP = readFileSync(new URL('../../packages/idle/fixtures/sleep.wasm', import.meta.url))
/** Follows a range of numbers for some ten seconds and keeps its progress in /state. */
const SEARCH = readFileSync(new URL('../../examples/collatz/build/collatz.wasm', import.meta.url))
const RANGE = Buffer.from('1 12000000')
const PLATINUM_RESTART_MS = 10_000

let processes: FogProcesses
let controlPlane: RunningControlPlane
let fog: Fog
let workers: Map<string, Running>

beforeEach(async () => {
  processes = await FogProcesses.open()
  // Leases and heartbeats as they are by default: the promise is to be kept with them.
  controlPlane = await processes.controlPlane({ FOG_CHECKPOINT_SECONDS: '1' })
  fog = await processes.admin(controlPlane)
})
afterEach(() => processes.close())

test('a platinum task whose device falls silent runs again elsewhere within ten seconds', async () => {
  await lend(['a', 'b', 'c'])
  const task = await submitSleep('platinum', ['30000'])
  const before = await running(task[0]!)
  const frozen = workers.get(before.nodeName)!
  const silentAt = performance.now()
  // Neither a process that ended nor a connection that closed: only silence tells.
  frozen.child.kill('SIGSTOP')
  try {
    const after = await running(task[0]!, before.nodeName)
    expect(performance.now() - silentAt).toBeLessThan(PLATINUM_RESTART_MS)
    expect(after.fence).toBe(before.fence + 1)
    const platinum = (await fog.client.call('listTiers', {})).tiers.find(({ tier }) => tier === 'platinum')!
    expect(platinum.restarts.count).toBe(1)
    expect(platinum.restarts.maxMs).toBeLessThan(PLATINUM_RESTART_MS)
    expect(platinum.broken).toEqual({ queueWait: 0, restart: 0, runStretch: 0 })
  } finally {
    frozen.child.kill('SIGCONT')
  }
})

test('a platinum task takes the room of a bronze one within five seconds, which then begins again', async () => {
  await lend(['a', 'b'])
  const bronze = await submitSleep('bronze', ['6000', '6000'])
  for (const taskId of bronze) await running(taskId)
  const submittedAt = performance.now()
  const [platinum] = await submitSleep('platinum', ['100'])
  const done = await ended(platinum!)
  expect(performance.now() - submittedAt).toBeLessThan(5_000)
  expect(done.task.status).toBe('done')
  const both = await Promise.all(bronze.map(ended))
  expect(both.map(({ task }) => task.status)).toEqual(['done', 'done'])
  const statuses = both.map(({ attempts }) => attempts.map(({ status }) => status))
  expect(statuses.toSorted((x, y) => x.length - y.length)).toEqual([['reported'], ['preempted', 'reported']])
})

test('a bronze task that keeps its state makes room in good order and goes on from there', async () => {
  await lend(['a', 'b'])
  const searches = [await submitSearch(), await submitSearch()]
  for (const taskId of searches) await checkpointed(taskId)
  const [platinum] = await submitSleep('platinum', ['100'])
  expect((await ended(platinum!)).task.status).toBe('done')
  const both = await Promise.all(searches.map(ended))
  expect(both.map(({ task }) => task.status)).toEqual(['done', 'done'])
  const interrupted = both.find(({ attempts }) => attempts.length > 1)!
  const [first, second] = interrupted.attempts
  expect(first).toMatchObject({ status: 'preempted', note: 'a platinum task needs its room' })
  expect(second!.resumedFrom).toMatchObject({ attemptId: first!.attemptId, fuel: first!.checkpoint!.fuel })
})

/** Devices of one core in a failure domain each; their round trips are measured when this is over. */
async function lend(names: readonly string[]): Promise<void> {
  const token = await joinToken(fog)
  workers = new Map(
    names.map((name) => [
      name,
      processes.worker(controlPlane.url, name, {
        FOG_JOIN_TOKEN: token,
        FOG_WORKER_CORES: '1',
        FOG_WORKER_LABELS: `domain=${name}`,
        FOG_WORKER_STOP_GRACE_SECONDS: '0',
      }),
    ]),
  )
  await nodesOnline(fog, names.length)
  await eventually(async () => {
    const { items } = await fog.client.call('listNodes', { query: { limit: 10 } })
    return items.every(({ latencyMs = Infinity }) => latencyMs <= 20) ? true : undefined
  }, 'every round trip measured and short')
}

async function submitSleep(tier: 'platinum' | 'bronze', items: readonly string[]): Promise<string[]> {
  const program = contentOf(SLEEP)
  await fog.upload([program])
  return submit({
    name: `${tier} sleep`,
    program: { kind: 'wasm', digest: program.digest },
    args: ['{item}'],
    tasks: items.map((item) => ({ item })),
    resources: { memoryMiB: 32, wallSeconds: 60 },
    tier,
    verify: 'none',
  })
}

async function submitSearch(): Promise<string> {
  const [program, range] = [contentOf(SEARCH), contentOf(RANGE)]
  await fog.upload([program, range])
  const [taskId] = await submit({
    name: 'a long search',
    program: { kind: 'wasm', digest: program.digest },
    args: ['/in/range.txt', '/out/longest.txt'],
    tasks: [{ item: 'range', inputs: [{ path: '/in/range.txt', digest: range.digest }] }],
    resources: { memoryMiB: 16, diskMiB: 1, wallSeconds: 120 },
    tier: 'bronze',
    verify: 'none',
  })
  return taskId!
}

async function submit(body: JobSubmission): Promise<string[]> {
  const { jobId } = await fog.client.call('submitJob', { body })
  const { items } = await fog.client.call('listTasks', { params: { jobId }, query: { limit: 10 } })
  return items.map(({ taskId }) => taskId)
}

function contentOf(bytes: Buffer): Content {
  return {
    digest: createHash('sha256').update(bytes).digest('hex'),
    size: bytes.length,
    open: () => new Blob([new Uint8Array(bytes)]),
  }
}

type AttemptView = TaskDetailView['attempts'][number]

/** The attempt at a task that runs, on another node than the one named. */
function running(taskId: string, notOn = ''): Promise<AttemptView> {
  return eventually(async () => {
    const { attempts } = await detail(taskId)
    return attempts.find(({ status, nodeName }) => status === 'running' && nodeName !== notOn)
  }, 'the task runs')
}

function checkpointed(taskId: string): Promise<true> {
  return eventually(async () => {
    const { attempts } = await detail(taskId)
    return attempts.at(-1)?.checkpoint ? true : undefined
  }, 'a checkpoint')
}

function ended(taskId: string): Promise<TaskDetailView> {
  return eventually(async () => {
    const found = await detail(taskId)
    return ['done', 'failed', 'cancelled'].includes(found.task.status) ? found : undefined
  }, 'the task ended')
}

function detail(taskId: string): Promise<TaskDetailView> {
  return fog.client.call('getTask', { params: { taskId } })
}
