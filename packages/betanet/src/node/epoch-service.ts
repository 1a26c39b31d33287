import type { Clock } from '@fog/kernel'
import {
  type Consensus,
  epochAt,
  findNode,
  type Schedule,
  type ServedEpoch,
  servedEpochs,
  sphinxKeyAt,
} from '../directory/index.ts'
import type { EpochKeys, OpenedDelays } from './epoch-keys.ts'
import type { MixEngine } from './mix-engine.ts'
import type { MixKeys } from './mix-node-options.ts'
import { neighboursOf } from './neighbours.ts'

export interface EpochServiceNeeds {
  readonly keys: MixKeys
  readonly epochKeys: EpochKeys
  readonly engine: Pick<MixEngine, 'setEpochs' | 'setNeighbours'>
  readonly clock: Clock
  /** Delays of an epoch were fixed. */
  readonly opened: (delays: OpenedDelays) => void
}

/** What a node's threads are told: the keys of the epochs that are served now, and the nodes that packets come from and go to. */
export class EpochService {
  readonly #needs: EpochServiceNeeds
  readonly #schedule: Schedule
  readonly #maxSkewMs: number
  #neighboursBy: readonly Consensus[] = []
  #served: readonly number[] = []

  constructor(
    needs: EpochServiceNeeds,
    { schedule, maxSkewMs }: { readonly schedule: Schedule; readonly maxSkewMs: number },
  ) {
    this.#needs = needs
    this.#schedule = schedule
    this.#maxSkewMs = maxSkewMs
  }

  /** Epochs whose packets are taken now. */
  get served(): readonly number[] {
    return this.#served
  }

  /** Tells the threads whatever changed with the time, or with the consensuses that are held. */
  update(held: readonly Consensus[]): void {
    const { engine, epochKeys, clock } = this.#needs
    const now = clock.now()
    const served = servedEpochs(this.#schedule, { held, now, maxSkewMs: this.#maxSkewMs }).filter((each) =>
      this.#open(each),
    )
    // Who is in a consensus that somebody may still go by is a neighbour, also when the next one is held.
    const alive = held.filter(({ validUntil }) => now < validUntil + this.#maxSkewMs)
    if (!isSame(alive, this.#neighboursBy)) {
      this.#neighboursBy = alive
      engine.setNeighbours(neighboursOf(alive))
    }
    const epochs = served.map(({ epoch }) => epoch)
    if (!isSame(epochs, this.#served)) {
      this.#served = epochs
      engine.setEpochs(epochs.flatMap((epoch) => epochKeys.secrets(epoch) ?? []))
    }
    // By the clock: also when no consensus comes any more, old keys are wiped.
    epochKeys.forgetBefore(epochs[0] ?? epochAt(this.#schedule, now))
  }

  /** Fixes the epoch's delays where that is still to be done. False when the consensus names another key, or none, of this node. */
  #open({ epoch, by }: ServedEpoch): boolean {
    const { keys, epochKeys, opened } = this.#needs
    if (epochKeys.isOpen(epoch)) return true
    const own = findNode(by, keys.identity.publicKey)
    if (!own || !epochKeys.serves(epoch, sphinxKeyAt(by, own, epoch))) return false
    opened(epochKeys.open(epoch, by, { nodeId: keys.identity.publicKey, vrfSecretKey: keys.vrfSecretKey }))
    return true
  }
}

function isSame<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i])
}
