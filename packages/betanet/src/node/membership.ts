import type { Clock } from '@fog/kernel'
import { histogramDigest } from '../delay/index.ts'
import {
  type Descriptor,
  GRACE_SHARE,
  REVEAL_LAG,
  signDescriptor,
  signedDescriptorForm,
  startOf,
  uploadEpochAt,
} from '../directory/index.ts'
import { vrfPublicKey } from '../vrf/index.ts'
import type { DelayRecords } from './delay-records.ts'
import type { EpochKeys } from './epoch-keys.ts'
import type { DirectoryAccess, MixKeys, MixNodeOptions } from './mix-node-options.ts'
import type { MixEvent } from './mix-status.ts'

/** So long threads have to tell how long packets stayed, as a part of an epoch. */
const STAYS_SHARE = 0.1
const MOST_REVISION = 1_000_000

export interface MembershipNeeds {
  readonly keys: MixKeys
  readonly epochKeys: EpochKeys
  readonly records: DelayRecords
  readonly directory: DirectoryAccess
  readonly clock: Clock
  readonly log: (event: MixEvent) => void
  /** Where it listens: one a thread. */
  readonly ports: () => readonly number[]
}

/** A node's membership in its network: each epoch it says anew who it is, by which keys, and what explains its delays. */
export class Membership {
  readonly #needs: MembershipNeeds
  readonly #options: MixNodeOptions
  #published: { readonly epoch: number; readonly bytes: Uint8Array; readonly isTaken: boolean } | undefined

  constructor(needs: MembershipNeeds, options: MixNodeOptions) {
    this.#needs = needs
    this.#options = options
  }

  /**
   * Publishes the descriptor of the next epoch, again until the directory has it; but not before the epoch that it reveals is
   * over and its last packets have left.
   */
  async renew(): Promise<void> {
    const { clock, directory, log } = this.#needs
    const epoch = uploadEpochAt(this.#options.schedule, clock.now())
    if ((this.#published?.epoch === epoch && this.#published.isTaken) || !this.#mayReveal(epoch - REVEAL_LAG)) return
    const bytes = this.#published?.epoch === epoch ? this.#published.bytes : await this.#makeDescriptor(epoch)
    this.#published = { epoch, bytes, isTaken: false }
    try {
      await directory.publish(bytes)
      this.#published = { epoch, bytes, isTaken: true }
      log({ type: 'descriptor.published', epoch })
    } catch (fault) {
      log({ type: 'descriptor.refused', epoch, why: fault instanceof Error ? fault.message : String(fault) })
    }
  }

  #mayReveal(epoch: number): boolean {
    const { clock, records } = this.#needs
    const { schedule } = this.#options
    const retiredAt = startOf(schedule, epoch + 1) + schedule.epochMs * GRACE_SHARE
    if (clock.now() < retiredAt) return false
    // The threads are asked for their part; one that hangs must not keep the node out of the directory.
    return !records.awaitsStays(epoch) || clock.now() >= retiredAt + schedule.epochMs * STAYS_SHARE
  }

  async #makeDescriptor(epoch: number): Promise<Uint8Array> {
    const { keys, epochKeys, records, ports } = this.#needs
    const { trust, role, operator, advertisedHost: host, packetsPerSecond, datagrams } = this.#options
    const vrfKey = vrfPublicKey(keys.vrfSecretKey)
    const stays = records.staysOf(epoch - REVEAL_LAG)
    const protocols = datagrams ? (['tcp', 'udp'] as const) : (['tcp'] as const)
    const descriptor: Descriptor = {
      kind: 'betanet.descriptor.v1',
      network: trust.network,
      epoch,
      revision: this.#revisionOf(epoch),
      identityKey: keys.identity.publicKey,
      linkKey: keys.link.publicKey,
      sphinxKey: epochKeys.publicKey(epoch),
      nextSphinxKey: epochKeys.publicKey(epoch + 1),
      vrfKey,
      nextVrfKey: vrfKey,
      operator,
      role,
      addresses: ports().flatMap((port, worker) => protocols.map((protocol) => ({ host, port, protocol, worker }))),
      packetsPerSecond,
      reveal: await records.revealOf(epoch - REVEAL_LAG),
      histogramDigest: stays && histogramDigest(stays),
    }
    return signedDescriptorForm.encode(signDescriptor(descriptor, keys.identity.secretKey))
  }

  /** Rises with time, so that a node that started anew within the same hours replaces what it said before. */
  #revisionOf(epoch: number): number {
    const { schedule } = this.#options
    const opened = startOf(schedule, epoch) - schedule.closeMs - schedule.epochMs
    const share = (this.#needs.clock.now() - opened) / schedule.epochMs
    return Math.max(0, Math.min(MOST_REVISION, Math.floor(share * MOST_REVISION)))
  }
}
