import { noiseSuite } from '@fog/kernel/node'
import { peerIdOf } from '@fog/p2p'
import { describeTransport } from '@fog/p2p/testing'
import { afterAll, beforeAll } from 'vitest'
import type { BetaNetClientOptions } from '../../client/index.ts'
import { type ClientNetwork, startTestNetwork } from '../../testing/client-network.ts'

const noise = noiseSuite()
const STARTUP_MS = 60_000
let fog: ClientNetwork

beforeAll(async () => {
  fog = await startTestNetwork({ parameters: { delayMeansSteps: [20], clientSendMeanMs: 8, clientLoopMeanMs: 100 } })
}, STARTUP_MS)

afterAll(() => fog.stop())

function pairOf(options: Partial<BetaNetClientOptions>) {
  return async () => {
    const [a, b] = await Promise.all([fog.newTransport(options), fog.newTransport(options)])
    return {
      a: { peer: a.peer, transport: a },
      b: { peer: b.peer, transport: b },
      nobody: peerIdOf(noise.makeKeyPair().publicKey),
      close: async () => {
        a.stop()
        b.stop()
      },
    }
  }
}

describeTransport('betanet, under cover', pairOf({ mostStalls: 3 }))
describeTransport('betanet without cover', pairOf({ cover: 'off', mostStalls: 3 }))
