import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openDelays } from '@fog/betanet/delay'
import { type Descriptor, readRules, signDescriptor, signedDescriptorForm, signAdmission } from '@fog/betanet/directory'
import { type DirectoryAccess, MixNode } from '@fog/betanet/node'
import { newMixKeys } from '@fog/betanet/testing'
import { ApiError, type TopologyView } from '@fog/contract'
import { toHex } from '@fog/kernel'
import { noiseSuite, systemClock, systemRng } from '@fog/kernel/node'
import type { Fog } from '@fog/sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HttpDirectory } from '../../apps/worker/src/mix/http-directory.ts'
import { Person, type Started } from '../support/fog-command.ts'
import {
  eventually,
  FogProcesses,
  joinToken,
  message,
  type Running,
  type RunningControlPlane,
} from '../support/fog-processes.ts'
import { askAdmin } from '../support/mix-peers.ts'

const NAMES = ['mix-a', 'mix-b', 'mix-c', 'mix-d', 'mix-e', 'mix-f', 'gate-a', 'gate-b', 'gate-c'] as const
/** Three layers of two and the rogue's seat, epochs short enough for a test, delays long enough to be seen. */
const NETWORK = {
  FOG_MIXNET_EPOCH_SECONDS: '6',
  FOG_MIXNET_DELAYS_MS: '2',
  FOG_MIXNET_MIX_LOOP_MS: '400',
  FOG_MIXNET_CLIENT_SEND_MS: '20',
  FOG_MIXNET_CLIENT_LOOP_MS: '500',
  FOG_MIXNET_NODES_PER_LAYER: '3',
}
/** Processes of a busy machine may be kept from computing so long. */
const SLACK_MS = '2000'

interface MixProcess extends Running {
  readonly nodeId: string
  readonly admin: string
}

let processes: FogProcesses
let controlPlane: RunningControlPlane
let fog: Fog
let nodes: Map<string, MixProcess>
let rogue: MixNode
let ann: Person
let bob: Person
let inbox: Started

beforeAll(async () => {
  processes = await FogProcesses.open()
  controlPlane = await processes.controlPlane(NETWORK)
  fog = await processes.admin(controlPlane)
  const token = await joinToken(fog)
  const started = await Promise.all(NAMES.map((name) => startNode(name, token)))
  nodes = new Map(NAMES.map((name, i) => [name, started[i]!]))
  rogue = await startRogue(token)
  const environment = { FOG_URL: controlPlane.url }
  ;[ann, bob] = await Promise.all([Person.come(environment), Person.come(environment)])
}, 120_000)

afterAll(async () => {
  inbox?.child.kill('SIGTERM')
  await inbox?.ended
  await rogue?.stop()
  await processes?.close()
  await Promise.all([ann?.leave(), bob?.leave()])
})

test('nine processes and a consensus make a network: each node has its place', async () => {
  const view = await topologyWhen(({ nodes: listed }) => {
    const placed = (place: string) => listed.filter((node) => String(node.place) === place).length
    return ['0', '1', '2'].every((layer) => placed(layer) >= 2) && placed('gateway') === 3
  })
  expect(view.signatures).toBe(1)
  expect(new Set(view.nodes.map(({ name }) => name))).toEqual(new Set([...NAMES, 'rogue']))
  expect(view.nodes.every(({ weight }) => weight > 0)).toBe(true)
})

test('a message comes to an inbox, with the key of its sender, and its sender learns that it did', async () => {
  inbox = ann.start(['mix', 'inbox', '--json'])
  const { peer } = await heard(({ type }) => type === 'listening')
  const sent = await bob.json<{ readonly from: string }>('mix', 'send', String(peer), 'see you at nine')
  expect(sent).toMatchObject({ type: 'sent', peer, bytes: 15 })
  expect(await heard(({ text }) => text === 'see you at nine')).toMatchObject({ type: 'message', from: sent.from })
})

test('each node says how it stands: packets, times and drops, and no peer', async () => {
  const statuses = await Promise.all([...nodes.values()].map(({ admin }) => askAdmin(admin, '/status')))
  const all = statuses.map(
    (text) => JSON.parse(text) as { readonly counts: { readonly received: number }; readonly drops: object },
  )
  expect(all.every(({ counts, drops }) => counts.received > 0 && Object.keys(drops).length === 8)).toBe(true)
  const metrics = await askAdmin(nodes.get('mix-a')!.admin, '/metrics')
  expect(metrics).toMatch(/^fog_mix_packets_received_total [1-9]\d*$/m)
  expect(metrics).toContain('fog_mix_packets_dropped_total{reason="replayed"}')
  expect(await askAdmin(nodes.get('mix-a')!.admin, '/healthz')).toBe('ok\n')
  const { token } = JSON.parse(await readFile(join(controlPlane.dataDir, 'local.json'), 'utf8')) as { token: string }
  const operator = bob.with({ FOG_TOKEN: token })
  const { nodeId, admin } = nodes.get('mix-a')!
  const status = await operator.json<{ node: object; network: TopologyView }>('mix', 'status', '--admin', admin)
  expect(status).toMatchObject({ node: { nodeId, role: 'mix', state: 'running' }, network: { threshold: 1 } })
  const shown = (await operator.fog('mix', 'topology')).stdout.toString()
  for (const name of NAMES) expect(shown).toContain(name)
})

test('who lies about what its delays came of loses its weight, and is not drawn any more', async () => {
  const id = toHex(rogue.nodeId)
  const view = await topologyWhen(({ nodes: listed }) =>
    listed.some(({ identityKey, weight }) => identityKey === id && weight === 0),
  )
  const liar = view.nodes.find(({ identityKey }) => identityKey === id)!
  expect(liar.faults).toBe(8)
  expect(typeof liar.place).not.toBe('number')
})

test('an audit finds what the liar did and nothing against the others, whose delays are what they had to be', async () => {
  const found = await bob.json<AuditJson>('mix', 'audit', '--probes', '120', '--wait', '--slack', SLACK_MS)
  const liar = toHex(rogue.nodeId).slice(0, 12)
  expect(found.faults.filter((fault) => !fault.includes(liar))).toEqual([])
  expect(found.faults.some((fault) => fault.includes('wrong reveal'))).toBe(true)
  expect(found.epochs.every(({ status }) => status === 'sound')).toBe(true)
  expect(found.probes.explained).toBeGreaterThan(0)
  const honest = found.nodes.filter(({ nodeId }) => !nodeId.startsWith(liar))
  for (const { reveals, histograms, probes } of honest) {
    expect(reveals.valid).toBeGreaterThan(0)
    expect(histograms.early + histograms.slow + histograms.disowned).toBe(0)
    expect(probes?.early ?? 0).toBe(0)
    // Delays drawn at real nodes are exponential, by Kolmogorov and Smirnov: one test in a million of good ones fails.
    expect(probes?.drawn?.pValue ?? 1).toBeGreaterThan(1e-6)
  }
  const one = await bob.fog('mix', 'audit', honest[0]!.nodeId.slice(0, 16), '--slack', SLACK_MS)
  expect(one.stdout.toString()).toContain('Nothing wrong was found.')
  expect(one.code).toBe(0)
})

test('a mix that is killed costs packets but no message', async () => {
  await nodes.get('mix-b')!.kill()
  const { peer } = await heard(({ type }) => type === 'listening')
  for (const text of ['one is gone', 'and still they come']) {
    expect(await bob.json('mix', 'send', String(peer), text)).toMatchObject({ type: 'sent' })
    await heard((line) => line['text'] === text)
  }
})

test('a node that is asked to stop drains and ends well, and messages still arrive', async () => {
  const leaving = nodes.get('mix-d')!
  const ended = new Promise((resolve) => leaving.child.once('exit', (code) => resolve(code)))
  leaving.child.kill('SIGTERM')
  expect(await ended).toBe(0)
  const { peer } = await heard(({ type }) => type === 'listening')
  expect(await bob.json('mix', 'send', String(peer), 'after the drain')).toMatchObject({ type: 'sent' })
  await heard(({ text }) => text === 'after the drain')
  expect(inbox.child.exitCode).toBeNull()
})

test('a node started again is who it was; one whose directory became another network refuses to go on', async () => {
  const environment = { ...settingsOf('mix-d'), FOG_MIX_DIR: join(processes.dir, 'mix-d') }
  const again = bob.with(environment).start(['mix', 'run', '--json'])
  await eventually(() => again.stdout().includes('the mix node is listening') || undefined, 'the node to listen')
  expect(again.stdout()).toContain(nodes.get('mix-d')!.nodeId)
  again.child.kill('SIGTERM')
  expect((await again.ended).code).toBe(0)
  const elsewhere = processes.mix(controlPlane.url, 'mix-d', {
    ...settingsOf('mix-d'),
    FOG_MIX_NETWORK: '00'.repeat(32),
  })
  expect(await message(elsewhere, 'failed')).toMatchObject({ code: 'mix.network_changed' })
})

interface AuditJson {
  readonly faults: readonly string[]
  readonly epochs: readonly { readonly status: string }[]
  readonly probes: { readonly explained: number }
  readonly nodes: readonly {
    readonly nodeId: string
    readonly reveals: { readonly valid: number }
    readonly histograms: { readonly early: number; readonly slow: number; readonly disowned: number }
    readonly probes?: { readonly early: number; readonly drawn?: { readonly pValue: number } }
  }[]
}

type Line = Readonly<Record<string, unknown>>

function settingsOf(name: string): Record<string, string> {
  return {
    FOG_MIX_ROLE: name.startsWith('gate') ? 'gateway' : 'mix',
    FOG_MIX_THREADS: '1',
    FOG_MIX_PACKETS_PER_SECOND: '500',
    FOG_MIX_DRAIN_SECONDS: '5',
  }
}

async function startNode(name: string, token: string): Promise<MixProcess> {
  const running = processes.mix(controlPlane.url, name, { ...settingsOf(name), FOG_JOIN_TOKEN: token })
  const { nodeId, admin } = (await message(running, 'started')) as { nodeId: string; admin: string }
  return Object.assign(running, { nodeId, admin })
}

/** A node that does all as it should, but reveals what another VRF key gives: it hides which delays it took. */
async function startRogue(joinToken: string): Promise<MixNode> {
  const [clock, rng] = [systemClock, systemRng]
  const http = new HttpDirectory({ clock, rng }, { urls: [controlPlane.url], timeoutMs: 5_000 })
  const rules = readRules((await http.rules()).rules)
  const keys = newMixKeys()
  const identityKey = toHex(keys.identity.publicKey)
  const proof = toHex(signAdmission(rules.network, keys.identity.secretKey))
  const { operator } = await http.join({ joinToken, identityKey, proof, name: 'rogue' })
  const other = systemRng.bytes(32)
  const directory: DirectoryAccess = {
    consensus: (epoch) => http.consensus(epoch),
    publish: (bytes) => {
      const { descriptor } = signedDescriptorForm.parse(bytes)
      const lied: Descriptor = { ...descriptor, reveal: descriptor.reveal && liedReveal(descriptor.reveal.epoch) }
      return http.publish(signedDescriptorForm.encode(signDescriptor(lied, keys.identity.secretKey)))
    },
  }
  const liedReveal = (epoch: number) => {
    const ground = { nodeId: keys.identity.publicKey, epoch, beacon: other, sphinxKey: other }
    return openDelays('tai', other, ground).reveal
  }
  const node = new MixNode(
    { keys, directory, noise: noiseSuite(), clock, rng, log: () => undefined },
    {
      role: 'mix',
      operator,
      host: '127.0.0.1',
      advertisedHost: '127.0.0.1',
      ports: [0],
      suite: 'betanetKemX25519',
      datagrams: false,
      packetsPerSecond: 500,
      trust: rules,
      schedule: rules.schedule,
    },
  )
  await node.start()
  return node
}

function topologyWhen(holds: (view: TopologyView) => boolean): Promise<TopologyView> {
  return eventually(async () => {
    // Asked more often than it may be, the fog says so: then it is asked again.
    const view = await fog.client.call('getMixTopology', {}).catch((fault: unknown) => {
      if (fault instanceof ApiError && fault.status === 429) return undefined
      throw fault
    })
    return view && holds(view) ? view : undefined
  }, 'the topology')
}

/** The first line of the inbox that fits. */
function heard(fits: (line: Line) => boolean): Promise<Line> {
  return eventually(() => {
    const lines = inbox
      .stdout()
      .split('\n')
      .filter((line) => line.endsWith('}'))
    return lines.map((line) => JSON.parse(line) as Line).find(fits)
  }, `the inbox heard of it\n${inbox.stderr()}`)
}
