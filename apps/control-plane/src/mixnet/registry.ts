import type { Descriptor, NodeMeasure, NodeRegistry } from '@fog/betanet/directory'
import { type AccountId, toHex } from '@fog/kernel'
import type { Platform } from '../platform.ts'
import type { MixProbes, ProbeSum } from './probes.ts'
import type { MixnetSettings } from './settings.ts'
import type { MixNodeRecord } from './stores.ts'

/** Of 1000: an owner whose devices nobody has seen work yet, or who has none. It is a new device's trust in the fog too. */
export const NEUTRAL_REPUTATION = 500
/** Of 1000: a node nobody has probed enough. Three quarters of the weight of one that lost nothing, so that it pays to be measured. */
export const NEUTRAL_PERFORMANCE = 950
/** There is no staking yet, so nobody has any. */
const NO_STAKE = 0
/** Devices of one owner that are looked at. */
const MOST_DEVICES = 1_000

export interface RegistryDependencies {
  readonly platform: Platform
  readonly probes: MixProbes
}

/**
 * What this fog knows of nodes. Reputation is the mean trust that the owner's devices earned by their work; performance is what loop
 * probes through the node measured.
 */
export class FogNodeRegistry implements NodeRegistry {
  readonly #platform: Platform
  readonly #probes: MixProbes
  readonly #settings: Pick<MixnetSettings, 'admission'>

  constructor({ platform, probes }: RegistryDependencies, settings: Pick<MixnetSettings, 'admission'>) {
    this.#platform = platform
    this.#probes = probes
    this.#settings = settings
  }

  async admits(descriptor: Descriptor): Promise<boolean> {
    return (await this.whyNotAdmitted(descriptor)) === undefined
  }

  /** For the operator of the node; undefined when it is admitted. */
  async whyNotAdmitted({ identityKey, operator }: Descriptor): Promise<string | undefined> {
    const node = await this.#platform.database.read.mixnet.findNode(toHex(identityKey))
    if (node) return whyNot(node, operator)
    return this.#settings.admission === 'anyone' ? undefined : `${toHex(identityKey)} is not a registered mix node`
  }

  async measure(descriptors: readonly Descriptor[]): Promise<readonly NodeMeasure[]> {
    const { database, clock } = this.#platform
    const keys = descriptors.map(({ identityKey }) => toHex(identityKey))
    const [nodes, probes] = await Promise.all([
      database.read.mixnet.findNodes(keys),
      this.#probes.read(keys, clock.now()),
    ])
    const owners = new Set([...nodes.values()].map(({ accountId }) => accountId))
    const reputations = new Map<AccountId, number>()
    for (const owner of owners) reputations.set(owner, await this.#reputationOf(owner))
    return keys.map((key) => ({
      reputation: reputations.get(nodes.get(key)?.accountId as AccountId) ?? NEUTRAL_REPUTATION,
      performance: performanceOf(probes.get(key)),
      stake: NO_STAKE,
    }))
  }

  async #reputationOf(ownerId: AccountId): Promise<number> {
    const devices = await this.#platform.database.read.nodes.list({ ownerId, limit: MOST_DEVICES })
    if (devices.length === 0) return NEUTRAL_REPUTATION
    return Math.floor(devices.reduce((sum, { trust }) => sum + trust, 0) / devices.length)
  }
}

/** Of a thousand packets, how many the node forwards at the most, for all that probes can say. */
export function performanceOf(probe: ProbeSum | undefined): number {
  return probe?.leastLossRate === undefined ? NEUTRAL_PERFORMANCE : Math.floor(1_000 * (1 - probe.leastLossRate))
}

function whyNot(node: MixNodeRecord, operator: string): string | undefined {
  if (node.revokedAt !== undefined) return 'it was revoked'
  // Paths avoid two nodes of one operator, which only helps if nobody can pass for two.
  return node.operator === operator ? undefined : `its operator is registered as "${node.operator}"`
}
