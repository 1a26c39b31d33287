import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiError, type JobSubmission, type JobView, PATHS, type TaskDetailView } from '@fog/contract'
import type { Fog } from '@fog/sdk'
import { WebSocket } from 'ws'
import { FogProcesses, joinToken, nodesOnline, type RunningControlPlane } from '../support/fog-processes.ts'

let processes: FogProcesses
let controlPlane: RunningControlPlane
let fog: Fog

beforeAll(async () => {
  processes = await FogProcesses.open()
  controlPlane = await processes.controlPlane()
  fog = await processes.admin(controlPlane)
  processes.worker(controlPlane.url, 'one', { FOG_JOIN_TOKEN: await joinToken(fog) })
  await nodesOnline(fog, 1)
})
afterAll(() => processes?.close())

const fixture = (name: string) => readFileSync(new URL(`../../packages/idle/fixtures/${name}.wasm`, import.meta.url))

test.each([
  ['trap', {}, 'trapped'],
  ['exit3', {}, 'exit_nonzero'],
  ['spin', { fuel: 5_000_000 }, 'fuel_exhausted'],
  ['spin', { wallSeconds: 1 }, 'wall_exceeded'],
  ['start-loop', { wallSeconds: 1 }, 'wall_exceeded'],
  ['start-loop', { fuel: 5_000_000 }, 'fuel_exhausted'],
  ['memory-hog', { memoryMiB: 64 }, 'memory_exceeded'],
  ['output-flood', { outputMiB: 1, diskMiB: 64 }, 'output_exceeded'],
] as const)(
  '%s with %o fails for one reason, costs nothing, and the worker lives on',
  async (name, resources, reason) => {
    const before = (await fog.client.call('getMe', {})).available
    const { job, task } = await runToEnd(await submission(fixture(name), { resources }))
    expect(job).toMatchObject({ status: 'failed', cost: '0', settled: true })
    expect(task.task.failure?.reason).toBe(reason)
    expect(task.task.failure?.sentence).toMatch(/\.$/)
    expect(task.attempts).toHaveLength(1)
    expect((await fog.client.call('getMe', {})).available).toBe(before)
    await expectWorks()
  },
)

test('a flood of standard output is cut with a notice, and the task goes on', async () => {
  const { job, task } = await runToEnd(await submission(fixture('stdout-flood'), { resources: { outputMiB: 1 } }))
  expect(['succeeded', 'failed']).toContain(job.status)
  expect(task.result === undefined || task.result.stdout.size <= 2 * 1024 * 1024).toBe(true)
  await expectWorks()
})

test('no output name leads out of the results', async () => {
  const { task } = await runToEnd(await submission(fixture('path-escape'), {}))
  for (const { path } of task.result?.outputs ?? []) {
    expect(path.startsWith('/')).toBe(false)
    expect(path.split('/')).not.toContain('..')
  }
  await expectWorks()
})

test('what cannot run is refused at submission with what to change', async () => {
  const noop = await submission(fixture('noop'), {})
  const refusals: [JobSubmission | object, string][] = [
    [await submission(Buffer.from('not a module'), {}), 'program.not_a_module'],
    [await submission(importing('env', 'connect'), {}), 'program.import_not_offered'],
    [{ ...noop, resources: { cores: 512 } }, 'job.refused'],
    [{ ...noop, inputs: [{ path: '/in/x', digest: '0'.repeat(64) }] }, 'job.input_missing'],
    [{ ...noop, program: { kind: 'wasm', digest: '1'.repeat(64) } }, 'job.program_missing'],
    [{ ...noop, colour: 'red' }, 'request.invalid'],
    [{ ...noop, budget: 0.000001 }, 'job.over_budget'],
    [{ ...noop, resources: { wallSeconds: 86_000 }, tasks: tasks(5000) }, 'job.unaffordable'],
    [{ ...noop, privacy: 'private' }, 'job.refused'],
    [{ ...noop, privacy: 'secret' }, 'job.needs_mixnet'],
  ]
  const before = await fog.client.call('getMe', {})
  for (const [body, code] of refusals) {
    const fault = await fog.client.call('submitJob', { body: body as JobSubmission }).catch((thrown: unknown) => thrown)
    expect(fault).toBeInstanceOf(ApiError)
    expect([code, (fault as ApiError).message]).toEqual([(fault as ApiError).code, expect.stringMatching(/\w{3}.*\.$/)])
  }
  expect(await fog.client.call('getMe', {})).toEqual(before)
})

test('a stranger on the worker channel changes nothing and is counted', async () => {
  const refusedBefore = await refusedMessages()
  for (const text of ['garbage', '{"type":"heartbeat","attempts":[]}', JSON.stringify({ type: 'hello' })]) {
    expect(await sayOnChannel(text)).toBeGreaterThanOrEqual(4000)
  }
  expect(await refusedMessages()).toBe(refusedBefore + 3)
  await expectWorks()
})

async function submission(program: Uint8Array, more: Partial<JobSubmission>): Promise<JobSubmission> {
  const digest = createHash('sha256').update(program).digest('hex')
  await fog.upload([{ digest, size: program.length, open: () => new Blob([new Uint8Array(program)]) }])
  return { name: 'bad input', program: { kind: 'wasm', digest }, tasks: [{ item: '' }], verify: 'none', ...more }
}

function tasks(count: number): JobSubmission['tasks'] {
  return Array.from({ length: count }, (_, i) => ({ item: String(i) }))
}

async function runToEnd(body: JobSubmission): Promise<{ job: JobView; task: TaskDetailView }> {
  const { jobId } = await fog.client.call('submitJob', { body })
  const job = await fog.wait(jobId)
  const { items } = await fog.client.call('listTasks', { params: { jobId } })
  return { job, task: await fog.client.call('getTask', { params: { taskId: items[0]!.taskId } }) }
}

async function expectWorks(): Promise<void> {
  const { job } = await runToEnd(await submission(fixture('hello'), { args: ['again'] }))
  expect(job.status).toBe('succeeded')
}

/** A module that imports one function nobody offers (binary format of the core specification, section 5.5). */
function importing(module: string, name: string): Uint8Array {
  const text = (value: string) => [value.length, ...Buffer.from(value)]
  const section = (id: number, body: number[]) => [id, body.length, ...body]
  return Uint8Array.from([
    0x00,
    0x61,
    0x73,
    0x6d,
    0x01,
    0x00,
    0x00,
    0x00,
    ...section(1, [1, 0x60, 0, 0]),
    ...section(2, [1, ...text(module), ...text(name), 0x00, 0]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text('_start'), 0x00, 1]),
    ...section(10, [1, 2, 0, 0x0b]),
  ])
}

async function sayOnChannel(text: string): Promise<number> {
  const socket = new WebSocket(`${controlPlane.url.replace('http', 'ws')}${PATHS.workerSocket}`)
  return new Promise((resolve, reject) => {
    socket.on('open', () => socket.send(text))
    socket.on('close', resolve)
    socket.on('error', reject)
  })
}

async function refusedMessages(): Promise<number> {
  const text = await (await fetch(`${controlPlane.url}${PATHS.metrics}`)).text()
  const counts = text.match(/^fog_worker_messages_refused_total\{.*\} (\d+)$/gm) ?? []
  return counts.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}
