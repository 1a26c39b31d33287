import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import type { JobSubmission, JobView } from '@fog/contract'
import type { Content, Fog } from '@fog/sdk'
import { scratchPostgres } from '../../apps/control-plane/src/db/server/scratch.ts'
import { eventually, FogProcesses, joinToken, nodesOnline, type RunningControlPlane } from '../support/fog-processes.ts'

const TASKS = 200
/** Short leases and heartbeats, so that a lost node is noticed in the time a test has. */
const QUICK = { FOG_LEASE_MS: '3000', FOG_HEARTBEAT_MIN_MS: '500', FOG_GATEWAY_LOST_MS: '3000' }
/** Sleeps as long as its argument says and prints how long by its clock: slow enough to be killed in the middle. */
const SLEEP = readFileSync(new URL('../../packages/idle/fixtures/sleep.wasm', import.meta.url))
const sleepMs = (index: number) => 100 + index

let processes: FogProcesses | undefined
let cleanUp: (() => Promise<void>) | undefined
afterEach(async () => {
  await processes?.close()
  await cleanUp?.()
  processes = undefined
  cleanUp = undefined
})

test('killing a worker, the control plane and its database in the middle loses no task and pays none twice', async () => {
  processes = await FogProcesses.open()
  const first = await processes.controlPlane({ ...QUICK, FOG_HTTP_PORT: '0' })
  const port = new URL(first.url).port
  const fog = await processes.admin(first)
  const token = await joinToken(fog)
  const workers = ['a', 'b', 'c'].map((name) => processes!.worker(first.url, name, { FOG_JOIN_TOKEN: token }))
  await nodesOnline(fog, 3)
  const { jobId } = await submit(fog)

  await doneAtLeast(fog, jobId, 20)
  await workers[0]!.kill()
  await doneAtLeast(fog, jobId, 60)
  await first.kill()
  const second = await processes.controlPlane({ ...QUICK, FOG_HTTP_PORT: port })
  await doneAtLeast(fog, jobId, 120)
  killDatabase(second)

  await expectAllRight(fog, jobId)
})

test('with two control planes on one external database, the other goes on when one is killed', async () => {
  processes = await FogProcesses.open()
  const server = await scratchPostgres({ binariesDir: '/usr/lib/postgresql/15/bin' })
  const fresh = await server.freshDatabase()
  cleanUp = async () => {
    await fresh.drop()
    await server.stop()
  }
  const { host, user, database, port } = fresh.connection
  const DATABASE_URL = `postgresql://${user}@/${database}?host=${encodeURIComponent(host)}&port=${port}`
  const settings = { ...QUICK, DATABASE_URL }
  const one = await processes.controlPlane({ ...settings, FOG_DATA_DIR: `${processes.dir}/one` })
  const two = await processes.controlPlane({ ...settings, FOG_DATA_DIR: `${processes.dir}/two` })
  const fog = await processes.admin(two)
  const token = await joinToken(fog)
  processes.worker(one.url, 'a', { FOG_JOIN_TOKEN: token })
  for (const name of ['b', 'c']) processes.worker(two.url, name, { FOG_JOIN_TOKEN: token })
  await nodesOnline(fog, 3)
  const { jobId } = await submit(fog)

  await doneAtLeast(fog, jobId, 40)
  await one.kill()

  await expectAllRight(fog, jobId)
})

/** A job in which each task has an answer of its own. */
async function submit(fog: Fog): Promise<JobView> {
  const digest = createHash('sha256').update(SLEEP).digest('hex')
  const program: Content = { digest, size: SLEEP.length, open: () => new Blob([SLEEP]) }
  await fog.upload([program])
  const submission: JobSubmission = {
    name: 'crash test',
    program: { kind: 'wasm', digest },
    args: ['{item}'],
    tasks: Array.from({ length: TASKS }, (_, i) => ({ item: String(sleepMs(i)) })),
    resources: { memoryMiB: 32, wallSeconds: 10 },
    verify: 'none',
    retries: 20,
  }
  return fog.client.call('submitJob', { body: submission })
}

async function doneAtLeast(fog: Fog, jobId: string, count: number): Promise<void> {
  await eventually(async () => {
    const job = await fog.client.call('getJob', { params: { jobId } }).catch(() => undefined)
    return job && job.counts.done >= count ? true : undefined
  }, `${count} tasks done`)
}

/** The server of the embedded database, found by its own file, killed as a power cut would. */
function killDatabase({ dataDir }: RunningControlPlane): void {
  const found = execFileSync('pgrep', ['-f', `postgres -D ${dataDir}`], { encoding: 'utf8' })
    .trim()
    .split('\n')
  expect(found.length).toBeGreaterThan(0)
  for (const pid of found) process.kill(Number(pid), 'SIGKILL')
}

async function expectAllRight(fog: Fog, jobId: string): Promise<void> {
  const job = await eventually(async () => {
    const now = await fog.client.call('getJob', { params: { jobId } }).catch(() => undefined)
    return now?.settled ? now : undefined
  }, 'the job settled')
  expect(job).toMatchObject({ status: 'succeeded', counts: { done: TASKS, failed: 0, queued: 0, running: 0 } })

  const seen = new Set<number>()
  for await (const result of fog.results(jobId)) {
    expect(seen.has(result.index)).toBe(false)
    seen.add(result.index)
    const stdout = await (await fog.content(result.stdout.digest)).text()
    expect(Math.floor(Number(stdout))).toBe(sleepMs(result.index))
  }
  expect(seen.size).toBe(TASKS)

  const receipt = await fog.receipt(jobId)
  expect(receipt.lines.reduce((sum, { tasks }) => sum + tasks, 0)).toBe(TASKS)
  const audit = await fog.client.call('auditLedger', {})
  expect(audit).toMatchObject({ sound: true, findings: [], holdsOpen: 0, total: '0', escrow: '0' })
  const { items } = await fog.client.call('listTransfers', { query: { limit: 1000 } })
  expect(items.filter(({ kind }) => kind === 'settle')).toHaveLength(1)
}
