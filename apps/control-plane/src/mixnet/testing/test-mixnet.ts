import {
  DEFAULT_PARAMETERS,
  type DirectoryRules,
  signAdmission,
  type SignedTrafficReport,
  signReport,
  type TrafficReport,
} from '@fog/betanet/directory'
import { DROP_REASONS, type DropReason } from '@fog/betanet'
import { authorityKeys, makeNodes, rulesOf, seedOf, type TestNode } from '@fog/betanet/testing'
import { toHex } from '@fog/kernel'
import { type KeyPair, keyPairFromSeed } from '@fog/kernel/node'
import {
  openTestServer,
  type TestPerson,
  type TestServer,
  type TestServerOptions,
} from '../../http/testing/test-server.ts'
import { Mixnet, type MixnetSettings } from '../index.ts'

export const SETTINGS: MixnetSettings = {
  epochMs: 20_000,
  admission: 'registered',
  nodesPerAccount: 64,
  keysFile: 'not used',
  authoritiesFile: undefined,
  parameters: DEFAULT_PARAMETERS,
  keptMs: 86_400_000,
  probesPerMinute: 0,
}

/** A server with the directory of a network it is alone the authority of, and nodes that take part in it. */
export interface TestMixnet {
  readonly fog: TestServer
  readonly mixnet: Mixnet
  readonly rules: DirectoryRules
  readonly nodes: readonly TestNode[]
  readonly owner: TestPerson
  /** What a node's descriptors must say. */
  readonly operator: string
  /** Admits all nodes for the owner. */
  admitAll(): Promise<void>
  /** Publishes descriptors of an epoch; answers the statuses. */
  publishAll(epoch: number): Promise<number[]>
  /** Moves the clock on, to when an epoch's uploads are closed, and makes its consensus. */
  agreeOn(epoch: number): Promise<void>
}

export async function openTestMixnet(
  settings: Partial<MixnetSettings> = {},
  options: TestServerOptions = {},
): Promise<TestMixnet> {
  const held: { mixnet?: Mixnet; rules?: DirectoryRules } = {}
  const fog = await openTestServer({
    ...options,
    mixnet: (platform) => {
      held.rules = rulesOf(['only'], 1, platform.clock)
      const network = { rules: held.rules, keys: authorityKeys('only'), peers: [] }
      held.mixnet = new Mixnet({ platform, settings: { ...SETTINGS, ...settings }, network })
      return held.mixnet
    },
  })
  const [mixnet, rules] = [held.mixnet!, held.rules!]
  const nodes = makeNodes(9, 2)
  const owner = await fog.addPerson('ada')
  const token = await fog.tokenOf(owner, ['nodes:write'])
  const operator = 'ada'
  return {
    fog,
    mixnet,
    rules,
    nodes,
    owner,
    operator,
    admitAll: async () => {
      for (const node of nodes) {
        const body = { ...admission(node, rules), operator }
        const answer = await fog.ask('addMixNode', { token, body })
        if (answer.statusCode !== 201) throw new Error(answer.body)
      }
    },
    publishAll: async (epoch) => {
      const statuses: number[] = []
      for (const node of nodes) {
        const content = node.bytes(epoch, undefined, { operator })
        statuses.push((await fog.ask('publishMixDescriptor', { content })).statusCode)
      }
      return statuses
    },
    agreeOn: async (epoch) => {
      const { genesisAt, epochMs, closeMs } = rules.schedule
      const closesAt = genesisAt + (epoch - 1) * epochMs - closeMs
      fog.clock.advance(Math.max(0, closesAt - fog.clock.now()))
      await mixnet.step()
    },
  }
}

/** What an operator sends to have a node admitted. */
export function admission(node: TestNode, { network }: Pick<DirectoryRules, 'network'>) {
  return {
    identityKey: toHex(node.id),
    proof: toHex(signAdmission(network, keysOf(node).secretKey)),
    name: node.name,
  }
}

/** A test node's identity keys. */
export function keysOf(node: TestNode): KeyPair {
  return keyPairFromSeed(seedOf(`node ${node.name}`))
}

export function reportOf(
  node: TestNode,
  { network }: Pick<DirectoryRules, 'network'>,
  part: Partial<TrafficReport> = {},
): SignedTrafficReport {
  const drops = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>
  const report: TrafficReport = {
    kind: 'betanet.traffic-report.v1',
    network,
    epoch: 1,
    revision: 0,
    identityKey: node.id,
    coveredMs: 10_000,
    counts: { received: 5_000, forwarded: 4_900, delivered: 50, cover: 20, bytesIn: 10_000_000, bytesOut: 9_900_000 },
    drops: { ...drops, replayed: 7 },
    loops: { sent: 10, returned: 8, lost: 1 },
    delays: undefined,
    ...part,
  }
  return signReport(report, keysOf(node).secretKey)
}
