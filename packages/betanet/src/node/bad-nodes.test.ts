import { seededRng, toHex, utf8 } from '@fog/kernel'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { findNode } from '../directory/index.ts'
import type { BentEngine } from '../testing/bent-engine.ts'
import { type ClientNetwork, startTestNetwork } from '../testing/client-network.ts'
import type { BetaNetTransport } from './index.ts'

/** Real time passes here: what a busy machine takes longer for. */
const PATIENT = { timeout: 60_000 }
const FAST = { clientSendMeanMs: 40, clientLoopMeanMs: 20, delayMeansSteps: [20] }
const MESSAGES = 5

let fog: ClientNetwork
let bad: BentEngine
let badId: string
let ann: BetaNetTransport
let bob: BetaNetTransport

beforeAll(async () => {
  fog = await startTestNetwork({ mixesPerLayer: 2, bent: [0], parameters: FAST })
  bad = fog.network.bent.get(0)!
  badId = toHex(fog.network.nodes[0]!.nodeId)
}, 60_000)

afterEach(() => {
  bad.fault = undefined
  ann.stop()
  bob.stop()
})

afterAll(() => fog.stop())

/** Messages from one to the other while the node is bad: each comes, once. Ann's loops run all the time. */
async function exchange(): Promise<void> {
  ann = await fog.newTransport({ loopSlackMs: 3_500 })
  bob = await fog.newTransport({ cover: 'off' })
  const received: string[] = []
  bob.onFrame((_, frame) => received.push(Buffer.from(frame).toString()))
  const texts = Array.from({ length: MESSAGES }, (_, i) => `message ${i}`)
  await Promise.all(texts.map((text) => ann.send(bob.peer, utf8(text), AbortSignal.timeout(50_000))))
  expect(received.toSorted()).toEqual(texts.toSorted())
}

/** What ann's loops say of nodes that are not good. */
function blamed(): string[] {
  return ann
    .status()
    .loops.nodes.flatMap(({ nodeId, standing }) =>
      standing === 'good' || standing === 'unknown' ? [] : [`${standing} ${nodeId === badId ? 'the bad one' : nodeId}`],
    )
}

function replayed(): number {
  return fog.network.nodes.reduce((sum, node) => sum + node.status().figures.drops.replayed, 0)
}

test(
  'a node that sends each packet twice is refused the second: messages come once, and loops blame nobody',
  PATIENT,
  async () => {
    bad.fault = (packet) => [
      { packet, lateMs: 0 },
      { packet, lateMs: 0 },
    ]
    const before = replayed()
    await exchange()
    await expect.poll(() => ann.status().loops.returned, PATIENT).toBeGreaterThan(40)
    expect(replayed() - before).toBeGreaterThan(20)
    expect(fog.network.nodes[0]!.status().figures.drops.replayed).toBe(0)
    expect([blamed(), ann.status().loops.lost]).toEqual([[], 0])
  },
)

test('a node that drops three packets in ten is named, and messages come all the same', PATIENT, async () => {
  const rng = seededRng(5)
  bad.fault = (packet) => (rng.next() < 0.3 ? [] : [{ packet, lateMs: 0 }])
  await exchange()
  await expect.poll(blamed, PATIENT).toEqual(['losing the bad one'])
})

test('a node that holds packets for two seconds is named, and messages come all the same', PATIENT, async () => {
  bad.fault = (packet) => [{ packet, lateMs: 2_000 }]
  await exchange()
  await expect.poll(blamed, PATIENT).toEqual(['delaying the bad one'])
  expect(ann.status().loops.lost).toBe(0)
})

test('it had a place in a layer all along', async () => {
  const own = findNode(await fog.consensus(), fog.network.nodes[0]!.nodeId)
  expect([0, 1, 2]).toContain(own?.place)
})
