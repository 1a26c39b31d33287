import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Stats } from '@fog/betanet'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { AdminServer } from './admin-server.ts'
import { type MixStatusView, timesOf } from './status-view.ts'

let folder: string
let server: AdminServer | undefined
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'fog-mix-admin-'))))
afterEach(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true })
})

function view(change: Partial<MixStatusView> = {}): MixStatusView {
  const stats = new Stats()
  stats.add('received', 7)
  stats.record('service', 0.5)
  const figures = stats.snapshot()
  const own = {
    nodeId: 'ab'.repeat(32),
    role: 'mix',
    ports: [9001],
    epoch: 4,
    place: '1',
    weight: 5,
    nodes: 9,
  } as const
  const directory = { state: 'current', epoch: 4, endsAt: 40_000, why: undefined } as const
  const rest = { directory, served: [3, 4], clients: 0, waiting: 0, loops: { sent: 3, returned: 2, lost: 1 } }
  return {
    ...own,
    ...rest,
    clockAheadMs: 0,
    operator: 'ada',
    state: 'running',
    startedAt: 0,
    network: { name: 'n', fingerprint: 'f', urls: [] },
    counts: figures.counts,
    drops: figures.drops,
    times: timesOf({ ...own, ...rest, figures }),
    cpuSeconds: 1,
    memoryBytes: 2,
    published: 5,
    reported: 3,
    trouble: undefined,
    ...change,
  }
}

interface Asked {
  readonly path: string
  readonly method?: string
  readonly headers?: Record<string, string>
}

async function ask(place: string, { path, ...rest }: Asked) {
  const to = place.startsWith('unix:')
    ? { socketPath: place.slice(5) }
    : { host: '127.0.0.1', port: new URL(place).port }
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number | undefined; text: string }>()
  const asked = request({ ...to, path, agent: false, ...rest }, (response) => {
    let text = ''
    response.on('data', (part) => (text += String(part)))
    response.on('end', () => resolve({ status: response.statusCode, text }))
  })
  asked.on('error', reject).end()
  return promise
}

async function serve(status: () => MixStatusView = view): Promise<string> {
  server = new AdminServer({ kind: 'port', host: '127.0.0.1', port: 0 }, status)
  return (await server.start())!
}

test('status, metrics and health are told over the loopback', async () => {
  const place = await serve()
  expect(JSON.parse((await ask(place, { path: '/status' })).text)).toMatchObject({
    counts: { received: 7 },
    place: '1',
  })
  const { text } = await ask(place, { path: '/metrics' })
  expect(text).toContain('\nfog_mix_packets_received_total 7\n')
  expect(text).toContain('\nfog_mix_loops_total{outcome="lost"} 1\n')
  expect(text).toMatch(/\nfog_mix_service_seconds\{quantile="0.99"\} 0\.0005\d*\n/)
  // Nothing was measured, so nothing is said.
  expect(text).not.toContain('fog_mix_slack_seconds')
  expect(await ask(place, { path: '/healthz' })).toEqual({ status: 200, text: 'ok\n' })
})

test('a node that is not listed is unwell, and says why', async () => {
  const place = await serve(() => view({ place: undefined, trouble: 'It was not admitted.' }))
  expect(await ask(place, { path: '/healthz' })).toEqual({ status: 503, text: 'It was not admitted.\n' })
})

test('what is not asked for, or not from here, is refused', async () => {
  const place = await serve()
  expect((await ask(place, { path: '/status', method: 'POST' })).status).toBe(405)
  expect((await ask(place, { path: '/keys' })).status).toBe(404)
  const rebound = { path: '/status', headers: { host: 'evil.example' } }
  expect((await ask(place, rebound)).status).toBe(403)
})

test('a socket is its owner’s alone, and one that was left behind is in nobody’s way', async () => {
  const path = join(folder, 'admin.sock')
  for (let i = 0; i < 2; i++) {
    server = new AdminServer({ kind: 'socket', path }, view)
    const place = await server.start()
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect((await ask(place!, { path: '/healthz' })).text).toBe('ok\n')
    await server.stop()
  }
})

test('a place that cannot be had is named', async () => {
  server = new AdminServer({ kind: 'socket', path: join(folder, 'none', 'admin.sock') }, view)
  await expect(server.start()).rejects.toMatchObject({ code: 'mix.admin_not_listening' })
})
