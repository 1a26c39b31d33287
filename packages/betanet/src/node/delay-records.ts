import { equalBytes } from '@fog/kernel'
import { DocumentError } from '../codec.ts'
import { type DelayHistogram, type DelayReveal, openDelays } from '../delay/index.ts'
import {
  type Consensus,
  delaySeedOf,
  findNode,
  openReveal,
  REVEAL_LAG,
  type SignedConsensus,
  signedConsensusForm,
  signersOf,
  type Trust,
} from '../directory/index.ts'
import type { OpenedDelays } from './epoch-keys.ts'
import type { DirectoryAccess, MixKeys } from './mix-node-options.ts'

export interface DelayRecordsNeeds {
  readonly keys: MixKeys
  readonly trust: Trust
  readonly directory: DirectoryAccess
}

/** What a node has to show of its delays when an epoch is over: what fixed them, and how long packets really stayed. */
export class DelayRecords {
  readonly #needs: DelayRecordsNeeds
  readonly #opened = new Map<number, OpenedDelays>()
  readonly #stays = new Map<number, DelayHistogram>()

  constructor(needs: DelayRecordsNeeds) {
    this.#needs = needs
  }

  /** An epoch's delays were fixed. */
  opened(delays: OpenedDelays): void {
    const { epoch } = delays.reveal
    this.#opened.set(epoch, delays)
    forgetBefore(this.#opened, epoch - 2 * REVEAL_LAG)
  }

  stayed(histogram: DelayHistogram): void {
    this.#stays.set(histogram.epoch, histogram)
    forgetBefore(this.#stays, histogram.epoch - 2 * REVEAL_LAG)
  }

  staysOf(epoch: number): DelayHistogram | undefined {
    return this.#stays.get(epoch)
  }

  /** Whether the node served in the epoch, and its threads have not told yet how long packets stayed. */
  awaitsStays(epoch: number): boolean {
    return this.#opened.has(epoch) && !this.#stays.has(epoch)
  }

  /** What explains the delays of an epoch that is over. After a restart it is computed again, from that epoch's consensus. */
  async revealOf(epoch: number): Promise<DelayReveal | undefined> {
    const known = this.#opened.get(epoch)
    if ((known && known.openedBy === epoch) || epoch < 1) return known?.reveal
    const past = await this.#pastConsensus(epoch)
    const own = past && findNode(past, this.#needs.keys.identity.publicKey)
    if (!own) return known?.reveal
    // Begun by the consensus before: as good, unless the network changed its VRF suite just then.
    if (known && openReveal(past, own, known.reveal)) return known.reveal
    const { source, reveal } = openDelays(
      past.parameters.vrfSuite,
      this.#needs.keys.vrfSecretKey,
      delaySeedOf(past, own),
    )
    source.wipe()
    return reveal
  }

  /** Signed by enough, and of just this epoch: nobody gets a node to reveal what is yet to come. */
  async #pastConsensus(epoch: number): Promise<Consensus | undefined> {
    const { trust, directory } = this.#needs
    const bytes = await directory.consensus(epoch).catch(() => undefined)
    const signed = bytes && parsedConsensus(bytes)
    if (signed?.consensus.epoch !== epoch || !equalBytes(signed.consensus.network, trust.network)) return undefined
    const signers = signersOf(
      signed,
      trust.authorities.map(({ signingKey }) => signingKey),
    )
    return signers.size >= trust.threshold ? signed.consensus : undefined
  }
}

function forgetBefore(map: Map<number, unknown>, epoch: number): void {
  for (const each of map.keys()) if (each < epoch) map.delete(each)
}

function parsedConsensus(bytes: Uint8Array): SignedConsensus | undefined {
  try {
    return signedConsensusForm.parse(bytes)
  } catch (fault) {
    if (fault instanceof DocumentError) return undefined
    throw fault
  }
}
