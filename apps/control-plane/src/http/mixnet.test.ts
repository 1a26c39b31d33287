import type { MixFlowView, MixnetView, MixNodeView, MixPlaceFlowsView, Problem, TopologyView } from '@fog/contract'
import {
  DEFAULT_CLIENT_TIMES,
  DirectoryClient,
  MAX_DESCRIPTOR_BYTES,
  MAX_MESSAGE_BYTES,
  readRules,
  signedConsensusForm,
  signedReportForm,
} from '@fog/betanet/directory'
import { seedOf, TestNode } from '@fog/betanet/testing'
import { toHex, utf8 } from '@fog/kernel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { admission, openTestMixnet, reportOf, type TestMixnet } from '../mixnet/testing/test-mixnet.ts'
import { digestOf, openTestServer } from './testing/test-server.ts'
import { addNode } from './testing/test-work.ts'

let net: TestMixnet

beforeEach(async () => {
  net = await openTestMixnet()
})
afterEach(() => net.fog.stop())

const problem = (response: { readonly body: string }) => JSON.parse(response.body) as Problem

async function agreed(): Promise<void> {
  await net.admitAll()
  expect(new Set(await net.publishAll(1))).toEqual(new Set([200]))
  await net.agreeOn(1)
}

/** Moves on into an epoch. */
function enter(epoch: number): void {
  const { genesisAt, epochMs } = net.rules.schedule
  net.fog.clock.advance(Math.max(0, genesisAt + (epoch - 1) * epochMs - net.fog.clock.now()))
}

describe('rules', () => {
  test('a stranger reads the rules, and can follow them as they stand', async () => {
    const view = (await net.fog.ask('getMixnet', {})).json<MixnetView>()
    expect(view).toMatchObject({ authority: 0, admission: 'registered', epoch: 0, now: net.fog.clock.now() })
    expect(readRules(view.rules)).toEqual(net.rules)
  })

  test('a fog without a mixnet says so on every route', async () => {
    const fog = await openTestServer()
    for (const name of ['getMixnet', 'getMixConsensus', 'listMixEvidence'] as const) {
      const answer = await fog.ask(name, {})
      expect(answer.statusCode).toBe(404)
      expect(problem(answer).code).toBe('mixnet.off')
    }
    await fog.stop()
  })
})

describe('a consensus', () => {
  test('comes of the nodes that published, and a client that pinned the rules takes it', async () => {
    await agreed()
    const answer = await net.fog.ask('getMixConsensus', {})
    expect(answer.statusCode).toBe(200)
    const bytes = new Uint8Array(answer.rawPayload)
    expect(answer.headers).toMatchObject({ etag: `"${digestOf(bytes)}"`, 'cache-control': 'no-cache' })
    const client = new DirectoryClient(net.fog, { ...net.rules, ...DEFAULT_CLIENT_TIMES })
    expect(client.take(bytes)).toMatchObject({ ok: true, isNew: true })
    expect(signedConsensusForm.parse(bytes).consensus.nodes).toHaveLength(11)
    const again = await net.fog.ask('getMixConsensus', { headers: { 'if-none-match': `"${digestOf(bytes)}"` } })
    expect(again.statusCode).toBe(304)
  })

  test('of an epoch stays that for ever; of an epoch without one there is none', async () => {
    expect((await net.fog.ask('getMixConsensus', {})).statusCode).toBe(404)
    await agreed()
    const first = (await net.fog.ask('getMixConsensus', {})).rawPayload
    await net.agreeOn(2)
    expect((await net.fog.ask('getMixConsensus', {})).rawPayload).not.toEqual(first)
    const old = await net.fog.ask('getMixConsensus', { query: { epoch: 1 } })
    expect(old.rawPayload).toEqual(first)
    expect(old.headers['cache-control']).toContain('immutable')
    const none = await net.fog.ask('getMixConsensus', { query: { epoch: 9 } })
    expect(problem(none)).toMatchObject({ status: 404, code: 'mixnet.no_consensus', facts: { epoch: 9 } })
  })

  test('and who came and went stands on the feed', async () => {
    await agreed()
    await net.agreeOn(2)
    const events = await net.fog.platform.database.read.events.read(undefined, 1_000)
    const count = (type: string) => events.filter((event) => event.type === type).length
    expect(count('mixnet.consensus_published')).toBe(2)
    expect(count('mixnet.node_listed')).toBe(11)
    expect(count('mixnet.node_unlisted')).toBe(11)
  })
})

describe('a descriptor', () => {
  test('is taken again as known, and refused when it is for another epoch or network', async () => {
    await net.admitAll()
    const [node] = net.nodes
    const { operator } = net
    const publish = (content: Uint8Array) => net.fog.ask('publishMixDescriptor', { content })
    expect((await publish(node!.bytes(1, undefined, { operator }))).json()).toEqual({ epoch: 1, isNew: true })
    expect((await publish(node!.bytes(1, undefined, { operator }))).json()).toEqual({ epoch: 1, isNew: false })
    const refusals = [
      [node!.bytes(2, undefined, { operator }), 'wrong_epoch'],
      [node!.bytes(1, undefined, { operator, network: seedOf('elsewhere') }), 'wrong_network'],
      [node!.bytes(1, undefined, { operator, revision: 0, packetsPerSecond: 1 }), 'conflict'],
      [utf8('{"not":"one"}'), 'malformed'],
      [new Uint8Array(0), 'malformed'],
      [flipped(node!.bytes(1, undefined, { operator, revision: 1 })), 'not_genuine'],
    ] as const
    for (const [content, reason] of refusals) {
      const answer = await publish(content)
      expect(problem(answer)).toMatchObject({ status: 422, code: 'mixnet.descriptor_refused', facts: { reason } })
    }
    // The clock of a node that is half an epoch behind makes a descriptor of an epoch that is closed.
    await net.agreeOn(1)
    expect(problem(await publish(node!.bytes(1, undefined, { operator, revision: 2 }))).facts).toMatchObject({
      reason: 'wrong_epoch',
    })
  })

  test('that is larger than any is not read to its end', async () => {
    const content = new Uint8Array(MAX_DESCRIPTOR_BYTES + 1)
    const stated = await net.fog.ask('publishMixDescriptor', { content })
    expect(problem(stated)).toMatchObject({ status: 413, facts: { maxBytes: MAX_DESCRIPTOR_BYTES } })
    const message = await net.fog.ask('sendMixMessage', {
      query: { authority: toHex(net.rules.authorities[0]!.signingKey), signature: '00'.repeat(64) },
      content: new Uint8Array(MAX_MESSAGE_BYTES + 1),
    })
    // From nobody that counts, it is refused before it is read.
    expect(problem(message)).toMatchObject({ status: 403, code: 'mixnet.message_refused' })
  })

  test('of a node nobody registered is refused, unless anyone may list one', async () => {
    const [node] = net.nodes
    const answer = await net.fog.ask('publishMixDescriptor', { content: node!.bytes(1) })
    expect(problem(answer).facts).toMatchObject({ reason: 'not_admitted' })
    expect(problem(answer).detail).toContain('is not a registered mix node')
    const open = await openTestMixnet({ admission: 'anyone' })
    expect((await open.fog.ask('publishMixDescriptor', { content: node!.bytes(1) })).statusCode).toBe(200)
    await open.fog.stop()
  })

  test('says who operates the node, as it was registered', async () => {
    await net.admitAll()
    const content = net.nodes[0]!.bytes(1, undefined, { operator: 'somebody-else' })
    const answer = problem(await net.fog.ask('publishMixDescriptor', { content }))
    expect(answer.detail).toContain('its operator is registered as "ada"')
  })

  test('two of them that contradict each other are evidence anyone may check', async () => {
    await net.admitAll()
    const { operator } = net
    for (const packetsPerSecond of [1, 2, 3]) {
      const content = net.nodes[0]!.bytes(1, undefined, { operator, packetsPerSecond })
      await net.fog.ask('publishMixDescriptor', { content })
    }
    const { items } = (await net.fog.ask('listMixEvidence', {})).json<{ items: object[] }>()
    const culprit = toHex(net.nodes[0]!.id)
    expect(items).toMatchObject([{ kind: 'descriptor', culprit, epoch: 1, sound: true }])
    const params = { kind: 'descriptor', culprit, epoch: '1', which: 'second' } as const
    const second = await net.fog.ask('getMixEvidence', { params })
    expect(new Uint8Array(second.rawPayload)).toEqual(
      net.nodes[0]!.bytes(1, undefined, { operator, packetsPerSecond: 2 }),
    )
    expect((await net.fog.ask('getMixEvidence', { params: { ...params, epoch: '2' } })).statusCode).toBe(404)
    const events = await net.fog.platform.database.read.events.read(undefined, 1_000)
    expect(events.filter(({ type }) => type === 'mixnet.evidence_found')).toHaveLength(1)
  })

  test('and a flood of anything from one address is turned away', async () => {
    const query = { authority: '00'.repeat(32), signature: '00'.repeat(64) }
    const statuses = new Map<number, number>()
    for (let i = 0; i < 650; i++) {
      const { statusCode } = await net.fog.ask('sendMixMessage', { query, content: utf8('x'), from: '10.9.8.7' })
      statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1)
    }
    expect([...statuses]).toEqual([
      [403, 600],
      [429, 50],
    ])
    const other = await net.fog.ask('publishMixDescriptor', { content: utf8('x'), from: '10.9.8.7' })
    expect(other.statusCode).toBe(422)
  })
})

describe('admission', () => {
  test('needs proof of the key, and an account that may', async () => {
    const [node, other] = net.nodes
    const token = await net.fog.tokenOf(net.owner, ['nodes:write'])
    const body = admission(node!, net.rules)
    expect((await net.fog.ask('addMixNode', { body })).statusCode).toBe(401)
    const reader = await net.fog.tokenOf(net.owner, ['nodes:read'])
    expect((await net.fog.ask('addMixNode', { body, token: reader })).statusCode).toBe(403)
    const forged = { ...body, identityKey: toHex(other!.id) }
    expect(problem(await net.fog.ask('addMixNode', { body: forged, token })).code).toBe('mixnet.proof_invalid')
    const elsewhere = admission(node!, { network: seedOf('elsewhere') })
    expect(problem(await net.fog.ask('addMixNode', { body: elsewhere, token })).code).toBe('mixnet.proof_invalid')
    const made = (await net.fog.ask('addMixNode', { body, token })).json<MixNodeView>()
    expect(made).toMatchObject({ name: node!.name, mine: true, status: 'admitted' })
    expect(made.operator).toMatch(/^operator-[0-9a-z]{16}$/)
    expect((await net.fog.ask('addMixNode', { body, token })).json()).toEqual(made)
  })

  test('is one account’s: neither its nodes nor its operator’s name can be another’s', async () => {
    await net.admitAll()
    const stranger = await net.fog.addPerson('bob')
    const token = await net.fog.tokenOf(stranger, ['nodes:write', 'nodes:read'])
    const taken = await net.fog.ask('addMixNode', { body: admission(net.nodes[0]!, net.rules), token })
    expect(problem(taken).code).toBe('mixnet.node_taken')
    const body = { ...admission(new TestNode('his'), net.rules), operator: 'ada' }
    expect(problem(await net.fog.ask('addMixNode', { body, token })).code).toBe('mixnet.operator_taken')
    const params = { identityKey: toHex(net.nodes[0]!.id) }
    expect(problem(await net.fog.ask('revokeMixNode', { params, token })).code).toBe('mixnet.node_not_found')
    const listed = (await net.fog.ask('listMixNodes', { token, query: { mine: true } })).json<{ items: object[] }>()
    expect(listed.items).toEqual([])
  })

  test('ends with a revocation, for good', async () => {
    await net.admitAll()
    const token = await net.fog.tokenOf(net.owner, ['nodes:write'])
    const [node] = net.nodes
    expect((await net.fog.ask('revokeMixNode', { params: { identityKey: toHex(node!.id) }, token })).statusCode).toBe(
      204,
    )
    const content = node!.bytes(1, undefined, { operator: net.operator })
    expect(problem(await net.fog.ask('publishMixDescriptor', { content })).detail).toContain('it was revoked')
    const again = await net.fog.ask('addMixNode', { body: admission(node!, net.rules), token })
    expect(problem(again).code).toBe('mixnet.node_revoked')
    const events = await net.fog.platform.database.read.events.read(undefined, 1_000)
    const told = (type: string) => events.filter((event) => event.type === type).map(({ data }) => data['identityKey'])
    expect(new Set(told('mixnet.node_admitted'))).toEqual(new Set(net.nodes.map(({ id }) => toHex(id))))
    expect(told('mixnet.node_revoked')).toEqual([toHex(node!.id)])
  })

  test('is for so many nodes of an account', async () => {
    const small = await openTestMixnet({ nodesPerAccount: 2 })
    await expect(small.admitAll()).rejects.toThrow('mixnet.too_many_nodes')
    await small.fog.stop()
  })

  test('a device joins with a join token, once for each use', async () => {
    const token = await net.fog.tokenOf(net.owner, ['nodes:write', 'nodes:read'])
    const made = await net.fog.ask('addJoinToken', { body: { name: 'mixes', uses: 1 }, token })
    const joinToken = made.json<{ secret: string }>().secret
    const join = (node: TestNode) => net.fog.ask('joinMixNode', { body: { ...admission(node, net.rules), joinToken } })
    expect((await join(net.nodes[0]!)).statusCode).toBe(201)
    expect((await join(net.nodes[0]!)).statusCode).toBe(201)
    expect(problem(await join(net.nodes[1]!)).code).toBe('node.join_token_used_up')
    const listed = await net.fog.ask('listMixNodes', { token, query: { mine: true } })
    expect(listed.json<{ items: object[] }>().items).toMatchObject([{ name: net.nodes[0]!.name, mine: true }])
  })
})

describe('reports and topology', () => {
  const send = (content: Uint8Array) => net.fog.ask('reportMixTraffic', { content })
  const bytesOf = (part: Parameters<typeof reportOf>[2] = {}, node = net.nodes[0]!) =>
    signedReportForm.encode(reportOf(node, net.rules, part))

  test('what a node reports of an epoch it was in is shown beside what is known of it', async () => {
    await agreed()
    enter(1)
    net.fog.clock.advance(10_000)
    expect((await send(bytesOf())).json()).toEqual({ epoch: 1, isNew: true })
    expect((await send(bytesOf())).json()).toEqual({ epoch: 1, isNew: false })
    const params = { epoch: '1', identityKey: toHex(net.nodes[0]!.id) }
    expect(new Uint8Array((await net.fog.ask('getMixReport', { params })).rawPayload)).toEqual(bytesOf())
    const other = { ...params, epoch: '2' }
    expect(problem(await net.fog.ask('getMixReport', { params: other })).code).toBe('mixnet.report_not_found')
    const [hops, at] = [[toHex(net.nodes[0]!.id)], net.fog.clock.now()]
    await net.mixnet.probes.note(Array.from({ length: 40 }, (_, i) => ({ hops, at, tookMs: i === 0 ? undefined : 25 })))
    const token = await net.fog.tokenOf(net.owner, ['nodes:read'])
    const view = (await net.fog.ask('getMixTopology', { token })).json<TopologyView>()
    expect(view).toMatchObject({ epoch: 1, signatures: 1, threshold: 1 })
    expect(view.nodes).toHaveLength(11)
    const node = view.nodes.find(({ identityKey }) => identityKey === toHex(net.nodes[0]!.id))!
    expect(node).toMatchObject({
      name: 'mix-0',
      operator: 'ada',
      mine: true,
      reputation: 500,
      performance: 950,
      stake: 0,
      probe: { sent: 40, lost: 1, standing: 'measured', meanMs: 25 },
      reported: { receivedPerSecond: 500, forwardedPerSecond: 490, dropped: 7, drops: { replayed: 7 }, loopsLost: 1 },
    })
    expect(view.nodes.filter(({ reported }) => reported)).toHaveLength(1)
    const { items } = (await net.fog.ask('listMixFlow', { token })).json<{ items: MixFlowView[] }>()
    expect(items).toMatchObject([{ epoch: 1, nodes: 1, received: 5_000, receivedPerSecond: 500, bytesIn: 10_000_000 }])
    expect((await net.fog.ask('getMixTopology', {})).statusCode).toBe(401)
    expect(view.signedBy).toEqual([0])
    const byPlace = (await net.fog.ask('listMixPlaceFlow', { token })).json<{ items: MixPlaceFlowsView[] }>()
    expect(byPlace.items).toHaveLength(1)
    const { places } = byPlace.items[0]!
    expect(places.reduce((sum, { listed }) => sum + listed, 0)).toBe(11)
    const { place } = view.nodes.find(({ reported }) => reported)!
    expect(places.find((flow) => flow.place === place)).toMatchObject({
      reported: 1,
      received: 5_000,
      drops: { replayed: 7 },
    })
    expect(
      places.filter((flow) => flow.place !== place).every(({ received, reported }) => received + reported === 0),
    ).toBe(true)
  })

  test('a report that is not the node’s, not timely, not plausible or not whole is refused', async () => {
    await agreed()
    const early = await send(bytesOf())
    expect(problem(early).facts).toMatchObject({ reason: 'wrong_epoch' })
    enter(1)
    const most = { received: 10_000 * 10_000 + 1, forwarded: 0, delivered: 0, cover: 0, bytesIn: 0, bytesOut: 0 }
    const refusals = [
      [flipped(bytesOf()), 'not_genuine'],
      [bytesOf({ network: seedOf('elsewhere') }), 'wrong_network'],
      [bytesOf({ epoch: 2 }), 'wrong_epoch'],
      [bytesOf({ coveredMs: 50_000 }), 'implausible'],
      [bytesOf({ counts: most }), 'implausible'],
      [bytesOf({ loops: { sent: 1, returned: 1, lost: 1 } }), 'not_genuine'],
      [bytesOf({}, new TestNode('stranger')), 'not_listed'],
      [bytesOf().subarray(0, 100), 'malformed'],
    ] as const
    for (const [content, reason] of refusals)
      expect(problem(await send(content))).toMatchObject({
        status: 422,
        code: 'mixnet.report_refused',
        facts: { reason },
      })
    expect((await send(bytesOf({ revision: 5 }))).statusCode).toBe(200)
    expect(problem(await send(bytesOf({ revision: 4 }))).facts).toMatchObject({ reason: 'superseded' })
    expect((await send(new Uint8Array(40_000))).statusCode).toBe(413)
    enter(4)
    expect(problem(await send(bytesOf({ revision: 6 }))).facts).toMatchObject({ reason: 'wrong_epoch' })
  })

  test('figures are shown to whoever watches the fog', async () => {
    await agreed()
    enter(1)
    await send(bytesOf())
    const text = await net.fog.server.metrics.text()
    for (const line of [
      'fog_mixnet_consensus_epoch 1',
      'fog_mixnet_nodes{place="gateway"} 2',
      'fog_mixnet_descriptors_total{outcome="taken"} 11',
      'fog_mixnet_reports_total{outcome="taken"} 1',
      'fog_mixnet_reported_packets_per_second{count="received"} 500',
      'fog_mixnet_consensuses_total 1',
    ])
      expect(text).toContain(line)
  })

  test('the owner’s devices give a node its reputation', async () => {
    await agreed()

    const nodeId = await addNode(net.fog, net.owner)
    await net.fog.platform.database.transact((tx) => tx.nodes.addTrust([{ nodeId, delta: 250 }]))
    net.fog.clock.advance(1_000)
    enter(1)
    expect(new Set(await net.publishAll(2))).toEqual(new Set([200]))
    await net.agreeOn(2)
    const bytes = (await net.fog.ask('getMixConsensus', { query: { epoch: 2 } })).rawPayload
    const { nodes } = signedConsensusForm.parse(new Uint8Array(bytes)).consensus
    expect(new Set(nodes.map(({ measured }) => measured.reputation))).toEqual(new Set([750]))
  })
})

/** One bit of the signature of a document's JSON changed. */
function flipped(bytes: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(bytes)
  const at = text.lastIndexOf('"signature":"') + 13
  const other = text[at] === 'A' ? 'B' : 'A'
  return utf8(text.slice(0, at) + other + text.slice(at + 1))
}
