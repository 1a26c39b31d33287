import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { JobSubmission, ReceiptView, TaskDetailView } from '@fog/contract'
import { runTask } from '@fog/idle'
import type { Content, Fog } from '@fog/sdk'
import {
  eventually,
  FogProcesses,
  joinToken,
  nodesOnline,
  type Running,
  type RunningControlPlane,
} from '../support/fog-processes.ts'

/** A lost node is noticed soon, and a checkpoint is never more than a second old. */
const QUICK = {
  FOG_LEASE_MS: '3000',
  FOG_HEARTBEAT_MIN_MS: '500',
  FOG_GATEWAY_LOST_MS: '3000',
  FOG_CHECKPOINT_SECONDS: '1',
}
/** Follows a range of numbers for some twenty seconds on a quick device and keeps its progress in /state. */
const PROGRAM = readFileSync(new URL('../../examples/collatz/build/collatz.wasm', import.meta.url))
const HELLO = readFileSync(new URL('../../packages/idle/fixtures/hello.wasm', import.meta.url))
const RANGE = Buffer.from('1 80000000')
const ENDED = ['done', 'failed', 'cancelled']

let processes: FogProcesses
let controlPlane: RunningControlPlane
let fog: Fog
let token: string

beforeEach(async () => {
  processes = await FogProcesses.open()
  controlPlane = await processes.controlPlane({ ...QUICK, FOG_HTTP_PORT: '0' })
  fog = await processes.admin(controlPlane)
  token = await joinToken(fog)
})
afterEach(() => processes.close())

test('killed in the middle, a worker loses no more than the last second: the task goes on elsewhere, to the same answer', async () => {
  const a = worker('a')
  await nodesOnline(fog, 1)
  const { jobId, taskId } = await submit()
  await checkpointed(taskId, 2)
  worker('b')
  await nodesOnline(fog, 2)
  await a.kill()
  const { task, attempts } = await ended(taskId)
  expect(task.status).toBe('done')
  expectInLine(attempts, ['lost', 'reported'])
  await expectAnswer(taskId)
  await expectPaidFor(jobId, 2)
})

test('told to stop, a worker hands its task on from where it is', async () => {
  const a = worker('a', { FOG_WORKER_STOP_GRACE_SECONDS: '0' })
  await nodesOnline(fog, 1)
  const { jobId, taskId } = await submit()
  await checkpointed(taskId, 1)
  worker('b')
  await nodesOnline(fog, 2)
  await a.stop()
  const { attempts } = await ended(taskId)
  expectInLine(attempts, ['returned', 'reported'])
  expect(attempts[0]!.note).toBe('the worker is stopping')
  await expectAnswer(taskId)
  await expectPaidFor(jobId, 2)
})

test('a control plane that is killed forgets no checkpoint it has acknowledged', async () => {
  const a = worker('a')
  await nodesOnline(fog, 1)
  const { jobId, taskId } = await submit()
  const { fuel } = await checkpointed(taskId, 2)
  const port = new URL(controlPlane.url).port
  await controlPlane.kill()
  await a.kill()
  controlPlane = await processes.controlPlane({ ...QUICK, FOG_HTTP_PORT: port })
  worker('b')
  const { attempts } = await ended(taskId)
  expectInLine(attempts, ['lost', 'reported'])
  expect(BigInt(attempts[1]!.resumedFrom!.fuel)).toBeGreaterThanOrEqual(fuel)
  await expectAnswer(taskId)
  await expectPaidFor(jobId, 2)
})

test('a task of a better tier gets the place at once, and the one that made room goes on from where it was', async () => {
  worker('a')
  await nodesOnline(fog, 1)
  const bronze = await submit({ tier: 'bronze' })
  await checkpointed(bronze.taskId, 1)
  await eventually(async () => {
    const { items } = await fog.client.call('listNodes', { query: { limit: 10 } })
    return items.every(({ latencyMs = Infinity }) => latencyMs <= 20) ? true : undefined
  }, 'every round trip measured and short')
  const gold = await submit({ tier: 'gold', program: HELLO })
  expect((await ended(gold.taskId)).task.status).toBe('done')
  const { task, attempts } = await ended(bronze.taskId)
  expect(task.status).toBe('done')
  expect(attempts.map(({ status }) => status)).toEqual(['preempted', 'reported'])
  const [first, second] = attempts
  expect(second!.resumedFrom).toMatchObject({ attemptId: first!.attemptId, fuel: first!.checkpoint!.fuel })
  await expectAnswer(bronze.taskId)
  const receipt = await settled(bronze.jobId)
  expect(receipt.lines).toMatchObject([{ tasks: 1, checkpointedFuel: first!.checkpoint!.fuel }])
})

function worker(name: string, env: Record<string, string> = {}): Running {
  return processes.worker(controlPlane.url, name, { FOG_JOIN_TOKEN: token, FOG_WORKER_CORES: '1', ...env })
}

async function submit({ tier = 'silver', program: bytes = PROGRAM }: Wishes = {}): Promise<Submitted> {
  const [program, range] = [contentOf(bytes), contentOf(RANGE)]
  await fog.upload([program, range])
  const submission: JobSubmission = {
    name: 'a long search',
    program: { kind: 'wasm', digest: program.digest },
    args: ['/in/range.txt', '/out/longest.txt'],
    tasks: [{ item: 'range', inputs: [{ path: '/in/range.txt', digest: range.digest }] }],
    resources: { memoryMiB: 16, diskMiB: 1, wallSeconds: 300 },
    tier,
    verify: 'none',
  }
  const { jobId } = await fog.client.call('submitJob', { body: submission })
  const { items } = await fog.client.call('listTasks', { params: { jobId }, query: { limit: 1 } })
  return { jobId, taskId: items[0]!.taskId }
}

interface Wishes {
  readonly tier?: 'gold' | 'silver' | 'bronze'
  readonly program?: Buffer
}

interface Submitted {
  readonly jobId: string
  readonly taskId: string
}

/** Waits until the latest attempt has a checkpoint, so many times a newer one. */
async function checkpointed(taskId: string, times: number): Promise<{ fuel: bigint }> {
  let fuel = 0n
  for (let i = 0; i < times; i++) {
    const last = fuel
    fuel = await eventually(
      async () => {
        const { attempts } = await detail(taskId)
        const now = BigInt(attempts.at(-1)?.checkpoint?.fuel ?? 0)
        return now > last ? now : undefined
      },
      `checkpoint ${i + 1}`,
    )
  }
  return { fuel }
}

function detail(taskId: string): Promise<TaskDetailView> {
  return fog.client.call('getTask', { params: { taskId } })
}

function ended(taskId: string): Promise<TaskDetailView> {
  return eventually(async () => {
    const found = await detail(taskId).catch(() => undefined)
    return found && ENDED.includes(found.task.status) ? found : undefined
  }, 'the task ended')
}

function expectInLine(attempts: TaskDetailView['attempts'], statuses: readonly string[]): void {
  expect(attempts.map(({ status }) => status)).toEqual(statuses)
  const [first, second] = attempts
  expect(second!.nodeId).not.toBe(first!.nodeId)
  expect(first).not.toHaveProperty('resumedFrom')
  expect(second!.resumedFrom).toMatchObject({ attemptId: first!.attemptId, fuel: first!.checkpoint!.fuel })
}

/** What the program finds when nobody interrupts it, and what it burns on the way. */
const uninterrupted = runTask({
  module: PROGRAM,
  fuelLimit: 10n ** 12n,
  args: ['/in/range.txt', '/out/longest.txt'],
  files: [['/in/range.txt', RANGE]],
})

async function expectAnswer(taskId: string): Promise<void> {
  const { attempts, result } = await detail(taskId)
  const file = result!.outputs.find(({ path }) => path === 'longest.txt')!
  const text = await (await fog.content(file.digest)).text()
  expect(text).toBe(Buffer.from(uninterrupted.outputs.get('longest.txt')!).toString())
  // The second burnt what was left, and not all of it again.
  const { fuel, resumedFrom } = attempts.at(-1)!
  expect(Number(BigInt(fuel!) + BigInt(resumedFrom!.fuel)) / Number(uninterrupted.fuelUsed)).toBeCloseTo(1, 2)
}

async function expectPaidFor(jobId: string, lines: number): Promise<ReceiptView> {
  const receipt = await settled(jobId)
  expect(receipt.lines).toHaveLength(lines)
  const handedOn = receipt.lines.filter(({ checkpointedFuel }) => checkpointedFuel !== undefined)
  expect(handedOn.map(({ tasks, fuel, checkpointedFuel }) => [tasks, fuel === checkpointedFuel])).toEqual([[0, true]])
  expect(receipt.lines.every(({ paid }) => Number(paid) > 0)).toBe(true)
  const audit = await fog.client.call('auditLedger', {})
  expect(audit).toMatchObject({ sound: true, findings: [], holdsOpen: 0, total: '0', escrow: '0' })
  return receipt
}

async function settled(jobId: string): Promise<ReceiptView> {
  await eventually(async () => {
    const job = await fog.client.call('getJob', { params: { jobId } }).catch(() => undefined)
    return job?.settled ? true : undefined
  }, 'the job settled')
  return fog.receipt(jobId)
}

function contentOf(bytes: Buffer): Content {
  const digest = createHash('sha256').update(bytes).digest('hex')
  return { digest, size: bytes.length, open: () => new Blob([new Uint8Array(bytes)]) }
}
