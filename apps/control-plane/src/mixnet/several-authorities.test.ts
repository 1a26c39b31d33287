import {
  DEFAULT_CLIENT_TIMES,
  DirectoryClient,
  MAX_MESSAGE_BYTES,
  signAuthorityMessage,
  signedConsensusForm,
  startOf,
} from '@fog/betanet/directory'
import { authorityKeys, makeNodes, rulesOf, seedOf } from '@fog/betanet/testing'
import { ManualClock, toHex, utf8 } from '@fog/kernel'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openTestServer, type TestServer } from '../http/testing/test-server.ts'
import { Mixnet } from './index.ts'
import { SETTINGS } from './testing/test-mixnet.ts'

/** One control plane of several, listening on a port of its own, with a clock and a database of its own. */
interface Town {
  readonly name: string
  readonly fog: TestServer
  readonly mixnet: Mixnet
}

const towns: Town[] = []
afterEach(async () => {
  for (const { fog, mixnet } of towns.splice(0)) {
    await mixnet.stop()
    await fog.stop()
  }
})

/** Where those of `silent` should be, nobody listens. */
async function build(names: readonly string[], threshold: number, silent: readonly string[] = []): Promise<Town[]> {
  const rules = rulesOf(names, threshold, new ManualClock())
  const urls = new Map<string, string>()
  for (const name of names) {
    const others = names.filter((other) => other !== name)
    const peers = others.map((other) => ({
      signingKey: authorityKeys(other).signingKey,
      // The ports are known once all of them listen, before anything is sent.
      get url() {
        return urls.get(other) ?? 'http://127.0.0.1:1'
      },
    }))
    const held: { mixnet?: Mixnet } = {}
    const fog = await openTestServer({
      mixnet: (platform) => {
        const network = { rules, keys: authorityKeys(name), peers }
        held.mixnet = new Mixnet({ platform, settings: { ...SETTINGS, admission: 'anyone' }, network })
        return held.mixnet
      },
    })
    if (!silent.includes(name)) urls.set(name, await fog.server.listen({ host: '127.0.0.1', port: 0 }))
    towns.push({ name, fog, mixnet: held.mixnet! })
  }
  return towns
}

/** Nodes publish to all, and the clocks move to when uploads close. */
async function closeUploads(epoch: number): Promise<void> {
  const { schedule } = towns[0]!.mixnet.rules
  for (const { fog, mixnet } of towns) {
    for (const node of makeNodes(9, 2)) await mixnet.takeDescriptor(node.bytes(epoch))
    fog.clock.advance(startOf(schedule, epoch) - schedule.closeMs - fog.clock.now())
  }
}

async function consensusesOf(epoch: number): Promise<(Uint8Array | undefined)[]> {
  return Promise.all(towns.map(({ mixnet }) => mixnet.directory.findConsensus(epoch)))
}

describe('authorities that reach each other over HTTP', () => {
  test('make one consensus, signed by all of them, which a client takes from either', async () => {
    await build(['a', 'b'], 2)
    await closeUploads(1)
    for (let half = 0; half < 12; half++) {
      for (const { mixnet } of towns) {
        while ((await mixnet.step()) === 'more');
        await mixnet.idle()
      }
      for (const { fog, mixnet } of towns) fog.clock.advance(mixnet.rules.schedule.roundMs / 2)
    }
    const [first, second] = (await consensusesOf(1)).map((bytes) => signedConsensusForm.parse(bytes!))
    expect(second!.consensus).toEqual(first!.consensus)
    expect(first!.consensus.nodes).toHaveLength(11)
    expect(first!.consensus.contributions).toHaveLength(2)
    expect(first!.signatures).toHaveLength(2)
    for (const { fog, mixnet } of towns) {
      const client = new DirectoryClient(fog, { ...mixnet.rules, ...DEFAULT_CLIENT_TIMES })
      const answer = await fog.ask('getMixConsensus', {})
      expect(client.take(new Uint8Array(answer.rawPayload))).toMatchObject({ ok: true })
    }
    expect(await towns[0]!.fog.server.metrics.text()).toContain(
      'fog_mixnet_messages_total{direction="out",outcome="delivered"}',
    )
  })

  test('agree without the one that cannot be reached, and do not wait for it', async () => {
    await build(['a', 'b', 'c'], 2, ['c'])
    const [a, b] = towns as [Town, Town]
    await closeUploads(1)
    await vi.waitUntil(
      async () => {
        for (const { fog, mixnet } of [a, b]) {
          await mixnet.step()
          fog.clock.advance(50)
        }
        const [ofA, ofB] = await consensusesOf(1)
        return ofA && ofB
      },
      { timeout: 20_000, interval: 20 },
    )
    const [ofA, ofB] = (await consensusesOf(1)).map((bytes) => bytes && signedConsensusForm.parse(bytes))
    expect(ofB!.consensus).toEqual(ofA!.consensus)
    expect(ofA!.consensus.contributions).toHaveLength(2)
    expect(a.fog.clock.now()).toBeLessThan(startOf(a.mixnet.rules.schedule, 1))
  })

  test('one that was away takes over what the others made', async () => {
    await build(['a', 'b', 'c'], 2, ['c'])
    const [a, b, c] = towns as [Town, Town, Town]
    await closeUploads(1)
    await vi.waitUntil(
      async () => {
        for (const { fog, mixnet } of [a, b]) {
          await mixnet.step()
          fog.clock.advance(50)
        }
        return a.mixnet.directory.findConsensus(1)
      },
      { timeout: 20_000, interval: 20 },
    )
    const message = new Uint8Array([3, ...(await a.mixnet.directory.findConsensus(1))!])
    await send(c, 'a', message)
    await c.mixnet.step()
    expect(await c.mixnet.directory.findConsensus(1)).toEqual(await a.mixnet.directory.findConsensus(1))
    const events = await c.fog.platform.database.read.events.read(undefined, 1_000)
    expect(events.map(({ type }) => type)).toContain('mixnet.consensus_published')
  })
})

describe('messages', () => {
  test('count only with the signature of another authority of this network', async () => {
    await build(['a', 'b'], 2)
    const [a] = towns as [Town]
    const message = utf8('anything')
    expect(await send(a, 'b', message)).toBe(204)
    expect(await send(a, 'a', message)).toBe(403)
    expect(await send(a, 'stranger', message)).toBe(403)
    expect(await send(a, 'b', message, { tampered: true })).toBe(403)
    expect(await send(a, 'b', message, { network: seedOf('elsewhere') })).toBe(403)
    expect(await a.fog.platform.database.read.mixnet.listMessages(a.mixnet.name, 9)).toHaveLength(1)
    // Genuine, and nonsense: it is passed over, and does not come again.
    expect(await a.mixnet.step()).toBe('idle')
    expect(await a.fog.platform.database.read.mixnet.listMessages(a.mixnet.name, 9)).toHaveLength(0)
  })

  test('are bounded, one by one and together', async () => {
    await build(['a', 'b'], 2)
    const [a] = towns as [Town]
    expect(await send(a, 'b', new Uint8Array(MAX_MESSAGE_BYTES + 1))).toBe(413)
    for (let i = 0; i < 256; i++) expect(await send(a, 'b', utf8(`${i}`))).toBe(204)
    expect(await send(a, 'b', utf8('one more'))).toBe(503)
    while ((await a.mixnet.step()) === 'more');
    expect(await send(a, 'b', utf8('one more'))).toBe(204)
  })
})

async function send(
  { fog, mixnet }: Town,
  from: string,
  message: Uint8Array,
  { network = mixnet.rules.network, tampered = false } = {},
): Promise<number> {
  const { signingKey, signingSecretKey } = authorityKeys(from)
  const signature = signAuthorityMessage(network, tampered ? utf8('else') : message, signingSecretKey)
  const query = { authority: toHex(signingKey), signature: toHex(signature) }
  const answer = await fog.ask('sendMixMessage', { query, content: message })
  return answer.statusCode
}
