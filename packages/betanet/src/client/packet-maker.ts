import { assert, type Clock, type DhKeyPair, equalBytes, type NoiseSuite, type Rng, toHex } from '@fog/kernel'
import { type Consensus, type ConsensusNode, type DirectoryClient, packetEpochAt } from '../directory/index.ts'
import { PathChooser } from '../lottery/index.ts'
import {
  buildPacket,
  type EpochParity,
  newSurb,
  type PathHop,
  RECIPIENT_BYTES,
  type SphinxSuite,
  type Surb,
  SURB_ID_BYTES,
} from '../sphinx/index.ts'
import { homeGateways } from './home-gateways.ts'
import { sealPayload } from './sealed-payload.ts'

/** Whose packets nobody gets: cover, dropped by the exit gateway. */
const NOBODY = new Uint8Array(RECIPIENT_BYTES)
const NO_NODES: readonly ConsensusNode[] = []
/** Peers whose gateways are remembered until the next consensus. */
const MOST_HOMES = 1_024

export interface MakerNeeds {
  readonly suite: SphinxSuite
  readonly noise: NoiseSuite
  readonly own: DhKeyPair
  readonly directory: DirectoryClient
  readonly clock: Clock
  readonly rng: Rng
}

/** A packet ready for its first hop. */
export interface MadePacket {
  readonly packet: Uint8Array
  /** Ids of its hops, 32 bytes each. */
  readonly hops: readonly Uint8Array[]
}

/** Where a packet begins and ends, by gateway id; an end left open is taken by lot. */
interface Way {
  readonly entry: Uint8Array
  readonly exit?: Uint8Array | undefined
  readonly recipient: Uint8Array
}

/** Makes packets through the network as the consensus of the moment has it: a way drawn anew for each. */
export class PacketMaker {
  readonly #needs: MakerNeeds
  readonly #delayClass: number
  #homes: { readonly consensus: Consensus | undefined; readonly byPeer: Map<string, readonly ConsensusNode[]> } = {
    consensus: undefined,
    byPeer: new Map(),
  }
  #chooser:
    | { readonly consensus: Consensus; readonly avoid: ReadonlySet<string>; readonly paths: PathChooser }
    | undefined
  #avoid: ReadonlySet<string> = new Set()

  constructor(needs: MakerNeeds, { delayClass }: { readonly delayClass: number }) {
    this.#needs = needs
    this.#delayClass = delayClass
  }

  /** Leaves these mixes, ids in hex, out of all paths from now on. */
  avoid(nodeIds: ReadonlySet<string>): void {
    this.#avoid = nodeIds
  }

  consensus(): Consensus | undefined {
    return this.#needs.directory.current()
  }

  /** A peer's gateways, the best first: the same array as long as the consensus is the same. */
  homesOf(peerKey: Uint8Array): readonly ConsensusNode[] {
    const consensus = this.consensus()
    if (!consensus) return NO_NODES
    if (this.#homes.consensus !== consensus || this.#homes.byPeer.size >= MOST_HOMES)
      this.#homes = { consensus, byPeer: new Map() }
    const { byPeer } = this.#homes
    const peer = toHex(peerKey)
    const homes = byPeer.get(peer) ?? homeGateways(consensus, peerKey)
    byPeer.set(peer, homes)
    return homes
  }

  /** A packet with a sealed content for a peer; undefined while there is no way, or the peer's key is no key. */
  forPeer(to: Uint8Array, ends: Omit<Way, 'recipient'>, content: Uint8Array): MadePacket | undefined {
    const { noise, own, suite } = this.#needs
    const payload = sealPayload(noise, { own, to, payloadBytes: suite.geometry.payloadBytes }, content)
    return payload && this.#make({ ...ends, recipient: to }, payload)
  }

  /** A packet that looks like all others and is dropped at its end. */
  cover(entry: Uint8Array): MadePacket | undefined {
    const { rng, suite } = this.#needs
    return this.#make({ entry, recipient: NOBODY }, rng.bytes(suite.geometry.payloadBytes))
  }

  /** A SURB for an answer that enters at one gateway and comes back to this client at another. */
  surb(entry: Uint8Array, exit: Uint8Array): (Surb & { readonly surbId: Uint8Array }) | undefined {
    const { suite, rng, own } = this.#needs
    const found = this.#path({ entry, exit, recipient: own.publicKey })
    if (!found) return undefined
    const surbId = rng.bytes(SURB_ID_BYTES)
    return { surbId, ...newSurb(suite, found.path, surbId, rng, { epochParity: found.epochParity }) }
  }

  #make(way: Way, payload: Uint8Array): MadePacket | undefined {
    const { suite, rng } = this.#needs
    const found = this.#path(way)
    if (!found) return undefined
    const packet = buildPacket(suite, found.path, payload, rng, { epochParity: found.epochParity })
    return { packet, hops: found.path.map(({ id }) => id) }
  }

  #path({ entry, exit, recipient }: Way): { path: PathHop[]; epochParity: EpochParity } | undefined {
    const { clock, rng } = this.#needs
    const consensus = this.consensus()
    if (!consensus) return undefined
    const epoch = packetEpochAt(consensus, clock.now())
    const ends = exit ? { entry, exit } : { entry }
    const outcome = this.#pathsOf(consensus).choose({ epoch, ...ends }, rng)
    if (!outcome.ok) return undefined
    const last = outcome.hops.length - 1
    const path = outcome.hops.map(({ nodeId: id, sphinxKey: publicKey }, i) => {
      const hop = { id, publicKey, delayClass: this.#delayClass }
      return i === last ? { ...hop, recipient } : hop
    })
    assert(equalBytes(path[0]!.id, entry), 'a path begins at the gateway asked for')
    return { path, epochParity: (epoch % 2) as EpochParity }
  }

  #pathsOf(consensus: Consensus): PathChooser {
    const avoid = this.#avoid
    if (this.#chooser?.consensus !== consensus || this.#chooser.avoid !== avoid)
      this.#chooser = { consensus, avoid, paths: new PathChooser(consensus, { avoid }) }
    return this.#chooser.paths
  }
}
