import { type DirectoryStore, type Evidence, type SignedConsensus, signedConsensusForm } from '@fog/betanet/directory'
import { type Instant, toHex } from '@fog/kernel'
import type { Platform } from '../platform.ts'
import type { FogEvent, Transaction } from '../ports.ts'
import type { MixnetMetrics } from './mixnet-metrics.ts'
import type { MixDirectoryStore } from './stores.ts'

/** The one in force, the one to come, and those of two epochs before, whose delays are revealed. */
const HELD_CONSENSUSES = 4
/** So much shows what there is to show of one key, and of all; more would only fill the disk. */
const MOST_EVIDENCE_OF_ONE = 8
const MOST_EVIDENCE = 4_096

interface Held {
  readonly epoch: number
  readonly bytes: Uint8Array
  signed?: SignedConsensus
}

/**
 * What an authority needs to know after a crash: each call is a transaction of its own, committed when it returns. What people should
 * hear of stands in the feed by the same transaction. Consensuses never change, so the latest are held in memory.
 */
export class DurableDirectory implements DirectoryStore {
  readonly #platform: Platform
  readonly #metrics: MixnetMetrics
  readonly #network: Uint8Array
  readonly #held = new Map<number, Held>()

  constructor(
    { platform, metrics }: { readonly platform: Platform; readonly metrics: MixnetMetrics },
    network: Uint8Array,
  ) {
    this.#platform = platform
    this.#metrics = metrics
    this.#network = network
  }

  putDescriptor(epoch: number, nodeId: string, bytes: Uint8Array): Promise<void> {
    return this.#transact((store) => store.putDescriptor(epoch, nodeId, bytes))
  }

  findDescriptor(epoch: number, nodeId: string): Promise<Uint8Array | undefined> {
    return this.#read.findDescriptor(epoch, nodeId)
  }

  listDescriptors(epoch: number): Promise<readonly Uint8Array[]> {
    return this.#read.listDescriptors(epoch)
  }

  countDescriptors(epoch: number): Promise<number> {
    return this.#read.countDescriptors(epoch)
  }

  pinVote(epoch: number, bytes: Uint8Array): Promise<Uint8Array> {
    return this.#transact((store) => store.pinVote(epoch, bytes))
  }

  findVote(epoch: number): Promise<Uint8Array | undefined> {
    return this.#read.findVote(epoch)
  }

  pinDigest(epoch: number, digest: Uint8Array): Promise<Uint8Array> {
    return this.#transact((store) => store.pinDigest(epoch, digest))
  }

  async addConsensus(epoch: number, bytes: Uint8Array): Promise<'added' | 'exists'> {
    const added = await this.#transact(async (store, tx) => {
      const before = await store.findLastConsensus(epoch)
      const outcome = await store.addConsensus(epoch, bytes)
      if (outcome === 'added') await tell(tx, changesOf(before, bytes, this.#platform.clock.now()))
      return outcome
    })
    if (added === 'added') this.#metrics.published()
    return added
  }

  async findConsensus(epoch: number): Promise<Uint8Array | undefined> {
    return (await this.#find(epoch))?.bytes
  }

  /** The consensus read, once. */
  async readConsensus(epoch: number): Promise<SignedConsensus | undefined> {
    const held = await this.#find(epoch)
    if (held) held.signed ??= signedConsensusForm.parse(held.bytes)
    return held?.signed
  }

  async findLastConsensus(before?: number): Promise<Uint8Array | undefined> {
    const epoch = await this.#read.lastConsensusEpoch(before)
    return epoch === undefined ? undefined : this.findConsensus(epoch)
  }

  lastConsensusEpoch(before?: number): Promise<number | undefined> {
    return this.#read.lastConsensusEpoch(before)
  }

  async addEvidence(evidence: Evidence): Promise<void> {
    const { kind, culprit, epoch } = evidence
    const isNew = await this.#transact(async (store, tx) => {
      const { all, ofCulprit } = await store.countEvidence(culprit)
      if (all >= MOST_EVIDENCE || ofCulprit >= MOST_EVIDENCE_OF_ONE) return false
      if (await store.findEvidence(kind, culprit, epoch)) return false
      await store.addEvidence(evidence)
      const at = this.#platform.clock.now()
      await tell(tx, [{ type: 'mixnet.evidence_found', at, data: { epoch, kind, culprit } }])
      return true
    })
    if (!isNew) return
    this.#metrics.evidence(kind)
    this.#platform.log.warn({ kind, culprit, epoch }, 'a key signed two things that contradict each other')
  }

  listEvidence(limit: number): Promise<readonly Evidence[]> {
    return this.#read.listEvidence(limit)
  }

  findEvidence(kind: Evidence['kind'], culprit: string, epoch: number): Promise<Evidence | undefined> {
    return this.#read.findEvidence(kind, culprit, epoch)
  }

  forgetBefore(epoch: number): Promise<void> {
    return this.#transact((store) => store.forgetBefore(epoch))
  }

  forgetConsensusesBefore(epoch: number): Promise<void> {
    return this.#transact((store) => store.forgetConsensusesBefore(epoch))
  }

  get #read(): MixDirectoryStore {
    return this.#platform.database.read.directory(this.#network)
  }

  #transact<T>(work: (store: MixDirectoryStore, tx: Transaction) => Promise<T>): Promise<T> {
    return this.#platform.database.transact((tx) => work(tx.directory(this.#network), tx))
  }

  async #find(epoch: number): Promise<Held | undefined> {
    const held = this.#held.get(epoch)
    if (held) return held
    const bytes = await this.#read.findConsensus(epoch)
    if (!bytes) return undefined
    const found: Held = { epoch, bytes }
    this.#held.set(epoch, found)
    const oldest = [...this.#held.keys()].sort((a, b) => a - b)[0]!
    if (this.#held.size > HELD_CONSENSUSES) this.#held.delete(oldest)
    return found
  }
}

async function tell(tx: Transaction, events: readonly FogEvent[]): Promise<void> {
  await tx.events.append(events)
  tx.wake('events')
}

/** What a consensus changed, for the feed. */
function changesOf(before: Uint8Array | undefined, after: Uint8Array, at: Instant): FogEvent[] {
  const { epoch, nodes } = signedConsensusForm.parse(after).consensus
  const earlier = before ? signedConsensusForm.parse(before).consensus.nodes : []
  const idOf = ({ signed }: (typeof nodes)[number]) => toHex(signed.descriptor.identityKey)
  const [listed, known] = [new Set(nodes.map(idOf)), new Set(earlier.map(idOf))]
  const about = (node: (typeof nodes)[number]) => {
    const { operator } = node.signed.descriptor
    return { epoch, identityKey: idOf(node), operator }
  }
  return [
    { type: 'mixnet.consensus_published', at, data: { epoch, nodes: nodes.length } },
    ...nodes
      .filter((node) => !known.has(idOf(node)))
      .map((node) => ({ type: 'mixnet.node_listed', at, data: { ...about(node), place: String(node.place) } })),
    ...earlier
      .filter((node) => !listed.has(idOf(node)))
      .map((node) => ({ type: 'mixnet.node_unlisted', at, data: about(node) })),
  ]
}
