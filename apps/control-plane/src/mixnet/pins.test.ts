import { authorityKeys, makeNodes, rulesOf } from '@fog/betanet/testing'
import { ManualClock, seededRng } from '@fog/kernel'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MemoryBlobStore } from '../blobs/index.ts'
import { readConfig } from '../config.ts'
import { type ScratchDatabase, type ScratchDatabases, scratchDatabases } from '../db/testing/scratch-database.ts'
import { type Platform, SILENT_LOG } from '../platform.ts'
import { Mixnet } from './index.ts'
import { SETTINGS } from './testing/test-mixnet.ts'

let servers: ScratchDatabases
let one: ScratchDatabase
beforeAll(async () => {
  servers = await scratchDatabases()
  one = await servers.open()
})
afterAll(async () => {
  await one.close()
  await servers.stop()
})

test('what left an authority before a crash is what the one that comes after it says, whatever changed since', async () => {
  const clock = new ManualClock()
  const blobs = new MemoryBlobStore()
  const rng = seededRng(1)
  const platform: Platform = { database: one.database, blobs, clock, rng, config: readConfig({}), log: SILENT_LOG }
  const rules = rulesOf(['a', 'b'], 2, clock)
  /** An authority of which we hear all that it sends. */
  const open = () => {
    const sent: Uint8Array[] = []
    const hear: typeof fetch = async (_url, request) => {
      sent.push(new Uint8Array(request!.body as Uint8Array<ArrayBuffer>))
      return new Response(null, { status: 204 })
    }
    const peers = [{ signingKey: authorityKeys('b').signingKey, url: 'http://b.test' }]
    const network = { rules, keys: authorityKeys('a'), peers }
    const settings = { ...SETTINGS, admission: 'anyone' } as const
    return { mixnet: new Mixnet({ platform, settings, network, fetch: hear }), sent }
  }
  const first = open()
  const nodes = makeNodes(9, 2)
  for (const node of nodes) await first.mixnet.takeDescriptor(node.bytes(1))
  clock.advance(22_000)
  await first.mixnet.step()
  await first.mixnet.idle()
  expect(first.sent).toHaveLength(1)

  // It is gone, and with it all it held in memory; meanwhile the nodes' descriptors are others.
  const store = first.mixnet.directory
  for (const node of nodes) await store.putDescriptor(1, node.name, node.bytes(1, undefined, { revision: 1 }))
  const second = open()
  await second.mixnet.step()
  await second.mixnet.idle()
  expect(second.sent).toEqual(first.sent)

  // The same for what it signed of the consensus: two rounds later it signs what it had found, once more.
  clock.advance(2_000)
  await second.mixnet.step()
  await second.mixnet.idle()
  const third = open()
  await third.mixnet.step()
  await third.mixnet.idle()
  expect(third.sent.slice(-1)).toEqual(second.sent.slice(-1))
})
