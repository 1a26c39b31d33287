import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { JobSubmission } from '@fog/contract'
import type { Content, Fog } from '@fog/sdk'
import { FogProcesses, joinToken, nodesOnline, type Running } from '../tests/support/fog-processes.ts'
import { placementRate } from './placements.ts'
import type { Figure } from './figure.ts'
import { quantile } from './yardstick.ts'

const NOOP = readFileSync(new URL('../packages/idle/fixtures/noop.wasm', import.meta.url))
const WARM_JOBS = 200
const TASKS = 1000

/**
 * The main job through real processes on loopback: control plane with the embedded database (durable, as shipped) and
 * workers that run a program which does nothing, so that all of the time is the platform's own.
 */
export async function mainJob(): Promise<Figure[]> {
  return [...(await oneWorker()), ...(await fourWorkers()), ...(await placementRate())]
}

async function oneWorker(): Promise<Figure[]> {
  const processes = await FogProcesses.open()
  try {
    const controlPlane = await processes.controlPlane()
    const atRest = treeMiB(controlPlane)
    const fog = await processes.admin(controlPlane)
    const worker = processes.worker(controlPlane.url, 'one', { FOG_JOIN_TOKEN: await joinToken(fog) })
    await nodesOnline(fog, 1)
    await fog.upload([noop()])
    const cold = await submitToStart(fog)
    const warm: number[] = []
    for (let i = 0; i < WARM_JOBS; i++) warm.push(await submitToStart(fog))
    const seconds = await runTasks(fog, TASKS)
    const ratio = `${WARM_JOBS} jobs of one task, one after another; from the call to the start on the device`
    return [
      {
        name: 'submit to start, cold',
        value: cold,
        unit: 'ms',
        bar: { atMost: 300 },
        method: 'first job after the start',
      },
      {
        name: 'submit to start, warm, p50',
        value: quantile(warm, 0.5),
        unit: 'ms',
        bar: { atMost: 50 },
        method: ratio,
      },
      { name: 'submit to start, warm, p99', value: quantile(warm, 0.99), unit: 'ms', method: 'the same jobs' },
      {
        name: '1,000 tasks on one worker',
        value: seconds,
        unit: 's',
        bar: { atMost: 5 },
        method: 'no-op program, from submission to settlement',
      },
      { name: 'tasks/s on one worker', value: TASKS / seconds, unit: '1/s', method: 'the same job' },
      {
        name: 'control plane at rest',
        value: atRest.own,
        unit: 'MiB',
        bar: { atMost: 200 },
        method: 'resident memory of the process, no worker yet',
      },
      { name: 'its PostgreSQL at rest', value: atRest.children, unit: 'MiB', method: 'sum of proportional set sizes' },
      {
        name: 'control plane after the jobs',
        value: treeMiB(controlPlane).own,
        unit: 'MiB',
        method: 'resident memory',
      },
      { name: 'worker after the jobs', value: treeMiB(worker).own, unit: 'MiB', method: 'resident memory' },
      {
        name: 'its task processes after the jobs',
        value: treeMiB(worker).children,
        unit: 'MiB',
        method: 'sum of proportional set sizes',
      },
    ]
  } finally {
    await processes.close()
  }
}

async function fourWorkers(): Promise<Figure[]> {
  const processes = await FogProcesses.open()
  try {
    const controlPlane = await processes.controlPlane()
    const fog = await processes.admin(controlPlane)
    const token = await joinToken(fog)
    for (const name of ['one', 'two', 'three', 'four'])
      processes.worker(controlPlane.url, name, { FOG_JOIN_TOKEN: token })
    await nodesOnline(fog, 4)
    await fog.upload([noop()])
    // Each worker compiles the program once before it counts.
    await runTasks(fog, 40)
    const seconds = await runTasks(fog, TASKS)
    return [
      {
        name: 'tasks/s on four workers',
        value: TASKS / seconds,
        unit: '1/s',
        method: `${TASKS} no-op tasks; all share this machine`,
      },
    ]
  } finally {
    await processes.close()
  }
}

function noop(): Content {
  return { digest: createHash('sha256').update(NOOP).digest('hex'), size: NOOP.length, open: () => new Blob([NOOP]) }
}

function submission(tasks: number): JobSubmission {
  return {
    name: 'bench',
    program: { kind: 'wasm', digest: noop().digest },
    resources: { wallSeconds: 5, memoryMiB: 32 },
    tier: 'bronze',
    verify: 'none',
    tasks: Array.from({ length: tasks }, (_, i) => ({ item: String(i) })),
  }
}

/** From the call to the instant the worker began, both by this machine's clock. */
async function submitToStart(fog: Fog): Promise<number> {
  const calledAt = Date.now()
  const { jobId } = await fog.client.call('submitJob', { body: submission(1) })
  await fog.wait(jobId)
  const { items } = await fog.client.call('listTasks', { params: { jobId } })
  return Date.parse(items[0]?.startedAt ?? '') - calledAt
}

async function runTasks(fog: Fog, tasks: number): Promise<number> {
  const startedAt = performance.now()
  const { jobId } = await fog.client.call('submitJob', { body: submission(tasks) })
  const job = await fog.wait(jobId)
  if (job.counts.done !== tasks) throw new Error(`only ${job.counts.done} of ${tasks} tasks were done: ${job.failure}`)
  return (performance.now() - startedAt) / 1000
}

interface TreeMiB {
  readonly own: number
  readonly children: number
}

/** Resident memory of a process and of all below it. */
function treeMiB({ pid }: Running): TreeMiB {
  const own = statusKiB(pid, 'VmRSS')
  const children = descendants(pid).reduce((sum, child) => sum + proportionalKiB(child), 0)
  return { own: own / 1024, children: children / 1024 }
}

function descendants(pid: number): number[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n')
  const parents = rows.map((row) => row.trim().split(/\s+/).map(Number) as [number, number])
  const below = (of: number): number[] =>
    parents.filter(([, parent]) => parent === of).flatMap(([child]) => [child, ...below(child)])
  return below(pid)
}

function statusKiB(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1] ?? 0)
}

/** Shared pages count once among those who share them. */
function proportionalKiB(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
