import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JobView, QuotaView, QuoteView, ScheduleDetailView, ScheduleView, TaskView } from '@fog/contract'
import type { Fog } from '@fog/sdk'
import { Person } from '../support/fog-command.ts'
import { eventually, FogProcesses, joinToken, nodesOnline, type RunningControlPlane } from '../support/fog-processes.ts'

/** Steps, deadlines, quotas and jobs that recur, as a person at a terminal meets them, on real devices. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const WORD_COUNT = join(ROOT, 'examples/word-count/job.yaml')
const SLEEP = join(ROOT, 'packages/idle/fixtures/sleep.wasm')
const EXIT3 = join(ROOT, 'packages/idle/fixtures/exit3.wasm')
/** Short leases, so that a killed control plane is got over in the time a test has. */
const QUICK = { FOG_LEASE_MS: '3000', FOG_HEARTBEAT_MIN_MS: '500', FOG_GATEWAY_LOST_MS: '3000' }

let processes: FogProcesses
let controlPlane: RunningControlPlane
let fog: Fog
let me: Person

beforeAll(async () => {
  processes = await FogProcesses.open()
  controlPlane = await processes.controlPlane({ ...QUICK, FOG_HTTP_PORT: '0' })
  fog = await processes.admin(controlPlane)
  const token = await joinToken(fog)
  for (const name of ['a', 'b']) processes.worker(controlPlane.url, name, { FOG_JOIN_TOKEN: token })
  await nodesOnline(fog, 2)
  const local = JSON.parse(readFileSync(join(controlPlane.dataDir, 'local.json'), 'utf8')) as { token: string }
  me = await Person.come({ FOG_URL: controlPlane.url, FOG_TOKEN: local.token })
})
afterAll(async () => {
  await me.leave()
  await processes.close()
})

function write(name: string, text: string): string {
  const path = join(me.dir, name)
  writeFileSync(path, text)
  return path
}

async function tasksOf(jobId: string): Promise<TaskView[]> {
  const tasks: TaskView[] = []
  for await (const task of fog.tasks(jobId)) tasks.push(task)
  return tasks
}

function wordsOf(text: string): string {
  const times = new Map<string, number>()
  for (const [word] of text.toLowerCase().matchAll(/[a-z]+/g)) times.set(word, (times.get(word) ?? 0) + 1)
  const sorted = [...times].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  return sorted.map(([word, number]) => `${word} ${number}\n`).join('')
}

test('a pipeline of three steps is quoted, runs on real devices, and its results lie by step', async () => {
  const quote = await me.json<QuoteView>('quote', WORD_COUNT)
  expect(quote.steps).toMatchObject([
    { name: 'split', tasks: 1 },
    { name: 'count', tasks: 4 },
    { name: 'join', tasks: 1 },
  ])
  const { code, stdout, stderr } = await me.fog('submit', WORD_COUNT, '--wait', '--out', 'words')
  expect([code, stderr]).toEqual([0, expect.stringContaining('6 tasks')])
  expect(stdout.toString()).toContain('6 of 6 tasks done')
  const words = readFileSync(join(me.dir, 'words/join/words'), 'utf8')
  expect(words).toBe(wordsOf(readFileSync(join(ROOT, 'LICENSE'), 'utf8')))
  for (const path of ['split/part-3', 'count/0002-2/counts']) expect(existsSync(join(me.dir, 'words', path))).toBe(true)

  const [job] = await me.json<JobView[]>('ps')
  const page = (await me.fog('ps', job!.jobId)).stdout.toString()
  expect(page).toMatch(/STEP +STATUS +DONE +NEEDS/)
  expect(page).toMatch(/count +done +4\/4 +split/)
})

test('a circle is refused before anything is sent, with its place', async () => {
  const text = readFileSync(WORD_COUNT, 'utf8').replaceAll('build/', join(ROOT, 'examples/word-count/build/'))
  const broken = text.replace('/in/text: ../../LICENSE', '/in/text: { from: join, path: words }')
  const { code, stderr } = await me.fog('submit', write('circle.yaml', broken))
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/wait for each other in a circle: split needs join needs count needs split/),
  ])
})

test('a step that fails takes those along that need it, and says so', async () => {
  const text = `
name: fails
steps:
  - { name: first, program: { kind: wasm, file: ${EXIT3} }, args: ["7"] }
  - { name: second, program: { kind: wasm, file: ${EXIT3} }, args: ["0"], after: [first], each: { range: [0, 3] } }
`
  const { code, stderr } = await me.fog('submit', write('fails.yaml', text), '--wait')
  expect(code).toBe(1)
  expect(stderr).toContain('3 tasks: A task it needs did not end well (step first: exit_nonzero)')
})

test('killing the control plane in the middle of a pipeline loses no task and runs none too early', async () => {
  const step = (name: string, ms: number, more: string) =>
    `  - { name: ${name}, program: { kind: wasm, file: ${SLEEP} }, args: ["${ms}"], ${more} }`
  const mapped = 'each: { range: [0, 40] }'
  const text = [
    'name: pipeline',
    'verify: none',
    'steps:',
    step('one', 30, mapped),
    step('two', 30, `${mapped}, inputs: { /in/said: { from: one, path: stdout.txt } }`),
    step('three', 10, 'inputs: { /in/all/: { from: two, path: stdout.txt } }'),
  ].join('\n')
  const { jobId } = await me.json<JobView>('submit', write('pipeline.yaml', text))
  const doneAtLeast = (done: number) =>
    eventually(async () => {
      const { counts } = await fog.client.call('getJob', { params: { jobId } })
      return counts.done >= done ? true : undefined
    }, `${done} tasks done`)
  const { port } = new URL(controlPlane.url)
  for (const done of [10, 50]) {
    await doneAtLeast(done)
    await controlPlane.kill()
    controlPlane = await processes.controlPlane({ ...QUICK, FOG_HTTP_PORT: port })
  }
  const job = await fog.wait(jobId)
  expect(job).toMatchObject({ status: 'succeeded', counts: { done: 81, failed: 0 } })
  expect(job.steps!.map(({ waiting, counts }) => [waiting, counts.done])).toEqual([
    [0, 40],
    [0, 40],
    [0, 1],
  ])
  const tasks = await tasksOf(jobId)
  const ended = (index: number) => Date.parse(tasks[index]!.finishedAt!)
  for (let i = 0; i < 40; i += 1) expect(Date.parse(tasks[40 + i]!.queuedAt)).toBeGreaterThanOrEqual(ended(i))
  expect(Date.parse(tasks[80]!.queuedAt)).toBeGreaterThanOrEqual(
    Math.max(...tasks.slice(40, 80).map((_, i) => ended(40 + i))),
  )
  expect((await fog.client.call('auditLedger', {})).sound).toBe(true)
})

test('what is not done by the deadline is stopped, and its money comes back', async () => {
  const text = `
name: late
program: { kind: wasm, file: ${SLEEP} }
args: ["900"]
each: { range: [0, 40] }
resources: { wallSeconds: 2 }
within: 4s
verify: none
`
  const { code, stderr } = await me.fog('submit', write('late.yaml', text), '--wait')
  expect([code, stderr]).toEqual([1, expect.stringContaining('The deadline passed before it ended')])
  const [job] = await me.json<JobView[]>('ps', '--limit', '1')
  expect(job!.counts.done).toBeGreaterThan(0)
  expect(job).toMatchObject({ status: 'failed', settled: true, counts: { failed: 40 - job!.counts.done } })
  const refused = await me.fog('submit', write('never.yaml', text.replace('within: 4s', 'within: 1s')))
  expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining('and the deadline is in 1 s')])
})

test('a quota is set, shown, and kept to with its numbers', async () => {
  const { name } = await fog.client.call('getMe', {})
  await me.fog('quota', name, '--tasks', '5')
  const quota = await me.json<QuotaView>('quota')
  expect(quota.openTasks).toEqual({ used: 0, limit: 5, own: true })
  const { code, stderr } = await me.fog('submit', WORD_COUNT)
  expect([code, stderr]).toEqual([3, expect.stringContaining('the job adds 6; the limit is 5')])
  await me.fog('quota', name, '--tasks', 'default')
  expect((await me.fog('quota')).stdout.toString()).toMatch(/open tasks +0 +1,000,000 +for everybody/)
})

test('a schedule submits its job by the minute, once, even when the control plane is killed meanwhile', async () => {
  const document = write('nightly.yaml', `name: nightly\nprogram: { kind: wasm, file: ${EXIT3} }\nargs: ["0"]\n`)
  const bad = await me.fog('schedule', 'add', document, '--cron', 'at night')
  expect([bad.code, bad.stderr]).toEqual([3, expect.stringContaining('"at night" is no cron pattern')])
  const zone = ['--timezone', 'Europe/Berlin', '--catch-up', 'one', '--overlap', 'allow']
  const { scheduleId, nextAt } = await me.json<ScheduleView>(
    'schedule',
    'add',
    document,
    '--cron',
    '* * * * *',
    ...zone,
  )
  await me.fog('schedule', 'run-now', 'nightly')

  const { port } = new URL(controlPlane.url)
  await controlPlane.kill()
  // It comes back when the instant has just passed, or is about to.
  await eventually(() => (Date.now() >= Date.parse(nextAt!) - 1_500 ? true : undefined), 'the instant', 70_000)
  controlPlane = await processes.controlPlane({ ...QUICK, FOG_HTTP_PORT: port })
  const detail = await eventually(async () => {
    const found = await me.json<ScheduleDetailView>('schedule', 'show', scheduleId)
    return found.runs.some(({ dueAt }) => dueAt === nextAt) ? found : undefined
  }, 'the run')
  expect(detail.runs.filter(({ dueAt }) => dueAt === nextAt)).toMatchObject([{ outcome: 'submitted' }])
  await me.fog('schedule', 'pause', 'nightly')
  expect((await me.fog('schedule', 'list')).stdout.toString()).toMatch(
    /nightly +\* \* \* \* \* +Europe\/Berlin +paused/,
  )
  const jobs = (await me.json<JobView[]>('ps')).filter(({ name }) => name === 'nightly')
  const noted = detail.runs.flatMap(({ jobId }) => jobId ?? [])
  expect(jobs.map(({ jobId }) => jobId)).toEqual(expect.arrayContaining(noted))
  expect((await me.fog('schedule', 'remove', 'nightly')).code).toBe(0)
  expect((await me.fog('schedule', 'list')).stdout.toString()).toContain('There are no schedules.')
})
