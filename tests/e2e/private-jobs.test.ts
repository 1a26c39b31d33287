import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { JobView, NodeView, ReceiptView, TaskView } from '@fog/contract'
import type { Fog } from '@fog/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Person } from '../support/fog-command.ts'
import {
  eventually,
  FogProcesses,
  joinToken,
  type Running,
  type RunningControlPlane,
} from '../support/fog-processes.ts'
import {
  connectionsOf,
  DirectoryWatcher,
  LinkWatcher,
  sameRateProbability,
  type SeenFrame,
} from '../support/link-watcher.ts'
import { isPlaced, MIX_NAMES, type MixProcess, startMix, topologyWhen } from '../support/mix-network.ts'

/** Secret jobs through nine real mixes, with a watcher on every line that a client has. */

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const WORDS = join(ROOT, 'examples/word-count/build/words.wasm')
const SLEEP = join(ROOT, 'packages/idle/fixtures/sleep.wasm')
const TEXT = join(ROOT, 'LICENSE')
const NETWORK = {
  FOG_MIXNET_EPOCH_SECONDS: '20',
  FOG_REQUESTS_PER_MINUTE: '100000',
  FOG_MIXNET_DELAYS_MS: '2',
  FOG_MIXNET_MIX_LOOP_MS: '1000',
  FOG_MIXNET_CLIENT_SEND_MS: '20',
  FOG_MIXNET_CLIENT_LOOP_MS: '500',
  FOG_MIXNET_PROBES_PER_MINUTE: '0',
  FOG_MIXNET_NODES_PER_LAYER: '2',
}
/** A watcher that guesses is wrong once in a million runs of this test. */
const CHANCE = 1e-6
/** What may be asked for in the open: the network's rules and consensuses, which are the same for everybody. */
const DOCUMENTS = ['GET /v1/mixnet', 'GET /v1/mixnet/consensus']
const WATCHED_MS = 15_000

let processes: FogProcesses
let controlPlane: RunningControlPlane
let fog: Fog
let mixes: Map<string, MixProcess>
let watchers: LinkWatcher[]
/** What the hidden workers and the submitter ask in the open, each by a door of its own. */
let doors: { readonly workers: DirectoryWatcher; readonly submitter: DirectoryWatcher }
let hidden: readonly Running[]
let ada: Person
let hiddenNodes: ReadonlySet<string>

beforeAll(async () => {
  processes = await FogProcesses.open()
  controlPlane = await processes.controlPlane(NETWORK)
  fog = await processes.admin(controlPlane)
  const token = await joinToken(fog)
  watchers = []
  const started = await Promise.all(MIX_NAMES.map((name) => startNode(name, token)))
  mixes = new Map(MIX_NAMES.map((name, i) => [name, started[i]!]))
  const { url } = controlPlane
  doors = { workers: await DirectoryWatcher.before(url), submitter: await DirectoryWatcher.before(url) }
  processes.worker(url, 'open', { FOG_JOIN_TOKEN: token })
  const behind = { FOG_WORKER_REACH: 'mixnet', FOG_JOIN_TOKEN: token }
  hidden = ['one', 'two'].map((name) => processes.worker(doors.workers.url, name, behind))
  const { token: key } = JSON.parse(readFileSync(join(controlPlane.dataDir, 'local.json'), 'utf8')) as { token: string }
  ada = await Person.come({ FOG_URL: doors.submitter.url, FOG_TOKEN: key })
  await topologyWhen(fog, (view) => isPlaced(view, { layers: 2, gateways: 3 }))
  const nodes = await eventually(
    async () => {
      const { items } = await fog.client.call('listNodes', { query: { limit: 100 } })
      return items.filter(({ state }) => state === 'online').length === 3 ? items : undefined
    },
    `three workers online\n${hidden.map((each) => each.output()).join('\n')}`,
    300_000,
  )
  hiddenNodes = new Set(nodes.filter(({ reach }) => reach === 'mixnet').map(({ nodeId }: NodeView) => nodeId))
}, 420_000)

afterAll(async () => {
  await processes?.close()
  for (const watcher of [...(watchers ?? []), ...Object.values(doors ?? {})]) watcher.close()
  await ada?.leave()
})

test('the fog knows which devices it is reached by through the mixnet', async () => {
  const { items } = await fog.client.call('listNodes', { query: { limit: 100 } })
  const reaches = Object.fromEntries(items.map(({ name, reach }) => [name, reach]))
  expect(reaches).toEqual({ one: 'mixnet', two: 'mixnet', open: 'direct' })
  expect(doors.workers.asked.filter((each) => !DOCUMENTS.includes(each))).toEqual([])
})

let wordsJob: JobView

test('a secret job of several steps and tasks ends well, is right and paid, and no other device saw it', async () => {
  const { code, stdout, stderr } = await ada.fog('submit', wordCount(), '--wait', '--out', 'words', '--json')
  expect([code, stderr]).toEqual([0, expect.stringContaining('it travels through the mixnet')])
  const { job, receipt } = JSON.parse(stdout.toString()) as { job: JobView; receipt: ReceiptView }
  wordsJob = job
  expect(job).toMatchObject({ status: 'succeeded', privacy: 'secret', settled: true, tasks: 6 })
  expect(readFileSync(join(ada.dir, 'words/join/words'), 'utf8')).toBe(wordsOf(readFileSync(TEXT, 'utf8')))
  expect(Number(receipt.cost)).toBeGreaterThan(0)
  const tasks = await tasksOf(job.jobId)
  expect(tasks).toHaveLength(6)
  expect(tasks.filter(({ nodeId }) => !hiddenNodes.has(nodeId!))).toEqual([])
  expect(doors.submitter.asked.filter((each) => !DOCUMENTS.includes(each))).toEqual([])
}, 400_000)

test('whoever asks for it directly is told to come by the mixnet, and a list leaves it out', async () => {
  const { jobId } = wordsJob
  const asks = [
    () => fog.client.call('getJob', { params: { jobId } }),
    () => fog.client.call('listResults', { params: { jobId }, query: {} }),
    () => fog.client.call('getReceipt', { params: { jobId } }),
    () => fog.client.call('cancelJob', { params: { jobId } }),
  ]
  for (const ask of asks)
    await expect(ask()).rejects.toMatchObject({ status: 403, problem: { code: 'job.needs_mixnet' } })
  expect(await fog.client.call('listJobs', { query: {} })).toEqual({ items: [], withheld: true })
  const submission = {
    name: 'x',
    program: { kind: 'wasm' as const, digest: wordsJob.program.digest },
    tasks: [{ item: '' }],
  }
  const openly = fog.client.call('submitJob', { body: { ...submission, privacy: 'secret' } })
  await expect(openly).rejects.toMatchObject({ problem: { code: 'job.needs_mixnet' } })
  const content = fog.client.raw('getBlob', { params: { digest: wordsJob.program.digest } })
  await expect(content).rejects.toMatchObject({ problem: { code: 'blob.needs_mixnet' } })
})

test('a watcher sees the worker and the submitter talk to gateways alone, and the worker send and receive alike at work and at rest', async () => {
  const [worker] = hidden as [Running]
  const gateways = new Set(watchers.map(({ address, port }) => `${address}:${port}`))
  const remotes = { worker: new Set<string>(), submitter: new Set<string>() }
  await rested()
  const links = linksOf(worker)
  const idle = await watched(links, WATCHED_MS)
  const submitting = ada.start(['--mixnet', 'submit', sleeping(24, 700), '--wait', '--json'])
  const looking = setInterval(() => {
    for (const { remote } of connectionsOf(worker.pid)) remotes.worker.add(remote)
    for (const { remote } of connectionsOf(submitting.child.pid!)) remotes.submitter.add(remote)
  }, 200)
  try {
    await eventually(
      async () => (await runningOn(hiddenNodes)) || undefined,
      `work began\n${submitting.stderr()}`,
      240_000,
    )
    const busy = await watched(links, WATCHED_MS)
    expect(JSON.parse((await submitting.ended).stdout.toString())).toMatchObject({ job: { status: 'succeeded' } })
    expect(new Set([...idle, ...busy].filter(isPacket).map(({ bytes }) => bytes % PACKET_STEP)).size).toBe(1)
    const counts = [idle, busy].map((frames) => ({ count: packetsIn(frames), ms: WATCHED_MS }))
    expect(sameRateProbability(counts[0]!, counts[1]!)).toBeGreaterThan(CHANCE)
    const deliveries = [idle, busy].map((frames) => frames.filter(isDelivery))
    expect(new Set(deliveries.flat().map(({ bytes }) => bytes)).size).toBe(1)
    const [atRest, atWork] = deliveries.map(({ length }) => ({ count: length, ms: WATCHED_MS }))
    expect(sameRateProbability(atRest!, atWork!)).toBeGreaterThan(CHANCE)
    console.info(
      `packets up ${counts.map(({ count }) => count).join(' and ')}, deliveries ${atRest!.count} and ${atWork!.count}`,
    )
  } finally {
    clearInterval(looking)
  }
  const documents = { worker: doors.workers.port, submitter: doors.submitter.port }
  for (const who of ['worker', 'submitter'] as const) {
    const others = [...remotes[who]].filter((each) => !gateways.has(each) && each !== `127.0.0.1:${documents[who]}`)
    expect(others).toEqual([])
  }
  const asked = [...doors.workers.asked, ...doors.submitter.asked]
  expect(asked.filter((each) => !DOCUMENTS.includes(each))).toEqual([])
}, 600_000)

test('a mix on the way that is killed in the middle does not keep a job from its end', async () => {
  const submitting = ada.start(['--mixnet', 'submit', sleeping(8, 2_000), '--wait', '--json'])
  await eventually(
    async () => (await runningOn(hiddenNodes)) || undefined,
    `work began\n${submitting.stderr()}`,
    240_000,
  )
  await mixes.get('mix-c')!.kill()
  const { stdout, stderr, code } = await submitting.ended
  expect([code, stderr]).toEqual([0, expect.any(String)])
  expect(JSON.parse(stdout.toString())).toMatchObject({ job: { status: 'succeeded', tasks: 8 } })
}, 600_000)

/** A gateway is found at an address where a watcher stands before it. */
async function startNode(name: string, token: string): Promise<MixProcess> {
  const joining = { FOG_JOIN_TOKEN: token }
  if (!name.startsWith('gate')) return startMix(processes, controlPlane.url, name, joining)
  const port = await freePort()
  watchers.push(await LinkWatcher.before(port))
  const place = { FOG_MIX_HOST: '127.0.0.1', FOG_MIX_PORT: String(port), FOG_MIX_ADVERTISED_HOST: '127.0.0.2' }
  return startMix(processes, controlPlane.url, name, { ...joining, ...place })
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function wordCount(): string {
  const step = (name: string, rest: object) => ({ name, program: { kind: 'wasm', file: WORDS }, ...rest })
  return write('words.json', {
    name: 'word-count',
    steps: [
      step('split', { args: ['split', '4'], inputs: { '/in/text': TEXT } }),
      step('count', {
        each: { range: [0, 4] },
        args: ['count'],
        inputs: { '/in/part': { from: 'split', path: 'part-{item}' } },
      }),
      step('join', { args: ['join'], inputs: { '/in/counts/': { from: 'count', path: 'counts' } } }),
    ],
    privacy: 'secret',
    verify: 'none',
    budget: 50,
  })
}

function sleeping(tasks: number, ms: number): string {
  return write(`sleep-${tasks}.json`, {
    name: 'sleeping',
    program: { kind: 'wasm', file: SLEEP },
    each: { range: [0, tasks] },
    args: [String(ms)],
    resources: { cores: 0.5, memoryMiB: 16, wallSeconds: 30 },
    privacy: 'secret',
    verify: 'none',
    budget: 50,
  })
}

function write(name: string, document: object): string {
  const path = join(ada.dir, name)
  writeFileSync(path, JSON.stringify(document))
  return path
}

function wordsOf(text: string): string {
  const times = new Map<string, number>()
  for (const [word] of text.toLowerCase().matchAll(/[a-z]+/g)) times.set(word, (times.get(word) ?? 0) + 1)
  const sorted = [...times].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  return sorted.map(([word, number]) => `${word} ${number}\n`).join('')
}

async function tasksOf(jobId: string): Promise<TaskView[]> {
  return (await ada.json<{ tasks: TaskView[] }>('--mixnet', 'ps', jobId)).tasks
}

/** Whether any of these nodes has work, as every member of the fog may see. */
async function runningOn(nodeIds: ReadonlySet<string>): Promise<boolean> {
  const { items } = await fog.client.call('listNodes', { query: { limit: 100 } })
  return items.some(({ nodeId, running }) => nodeIds.has(nodeId) && running > 0)
}

async function rested(): Promise<void> {
  await eventually(async () => !(await runningOn(hiddenNodes)) || undefined, 'the workers rest')
}

/** Ports of the links that a process has to gateways. */
function linksOf({ pid }: Running): ReadonlySet<number> {
  const places = new Set(watchers.map(({ address, port }) => `${address}:${port}`))
  return new Set(connectionsOf(pid).flatMap(({ localPort, remote }) => (places.has(remote) ? localPort : [])))
}

/** What is seen on these links from now on. */
async function watched(links: ReadonlySet<number>, ms: number): Promise<SeenFrame[]> {
  const from = performance.now()
  await new Promise((resolve) => setTimeout(resolve, ms))
  return watchers.flatMap(({ frames }) =>
    frames.filter((frame) => links.has(frame.from) && frame.at >= from && frame.at < from + ms),
  )
}

/** Frames of packets are of one size for each number of packets in them; what is far smaller keeps the link alive. */
const PACKET_STEP = 2_716
function isPacket({ way, bytes }: SeenFrame): boolean {
  return way === 'up' && bytes >= PACKET_STEP
}

/** What a gateway hands down, cover or not, is of one size. */
function isDelivery({ way, bytes }: SeenFrame): boolean {
  return way === 'down' && bytes > 1_000
}

function packetsIn(frames: readonly SeenFrame[]): number {
  return frames.filter(isPacket).reduce((sum, { bytes }) => sum + Math.floor(bytes / PACKET_STEP), 0)
}
