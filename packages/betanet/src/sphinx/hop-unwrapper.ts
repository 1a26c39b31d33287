import { assert } from '@fog/kernel'
import { equalSecrets, x25519Base } from '@fog/kernel/node'
import { HopCommands, type HopKind } from './commands.ts'
import { KEY_BYTES } from './geometry.ts'
import { hasZeroTag } from './packet.ts'
import { type DropReason, SphinxError } from './sphinx-error.ts'
import type { KeySchedule, SphinxSuite, WideBlock } from './suite.ts'

export type HopOutcome = HopKind | 'dropped'

/**
 * One mix node's key at work: unwraps packets in place, in the slots of a slab, and allocates nothing for a packet.
 *
 * What it learned about a packet stands in its fields until the next one comes: `commands`, `replayTag`, `delaySeed` and, for
 * a dropped one, `dropReason`. A node has one of these for each live epoch and worker thread; the packet's second byte tells
 * which.
 */
export class HopUnwrapper {
  readonly commands: HopCommands
  readonly publicKey: Uint8Array
  dropReason: DropReason | undefined
  readonly #suite: SphinxSuite
  readonly #privateKey: Buffer
  readonly #schedule: KeySchedule
  readonly #packet: Buffer
  readonly #underMac: Buffer
  readonly #element: Buffer
  readonly #routing: Buffer
  readonly #macOfPacket: Buffer
  readonly #mac: Buffer
  /** The routing block with the zeros this hop appends. */
  readonly #padded: Buffer
  /** The same decrypted: this hop's slot, then what the next hop gets. */
  readonly #opened: Buffer
  readonly #carried: Buffer
  readonly #nextElement: Buffer
  readonly #nextRouting: Buffer
  readonly #block: Buffer
  readonly #wide: WideBlock
  #kind: HopKind | undefined

  /** Keeps a copy of the 32-byte X25519 key; `wipe()` ends it. */
  constructor(suite: SphinxSuite, privateKey: Uint8Array) {
    if (privateKey.length !== KEY_BYTES) {
      throw new SphinxError({ code: 'sphinx.key_invalid', suite: suite.name, bytes: privateKey.length })
    }
    const { geometry } = suite
    this.#suite = suite
    this.#privateKey = Buffer.from(new Uint8Array(privateKey).buffer)
    this.#schedule = suite.newKeySchedule()
    x25519Base(this.#schedule.nodeKey, this.#privateKey)
    this.publicKey = Uint8Array.from(this.#schedule.nodeKey)
    this.commands = new HopCommands(suite)
    this.#packet = Buffer.alloc(geometry.packetBytes)
    this.#underMac = this.#packet.subarray(0, geometry.macAt)
    this.#element = this.#packet.subarray(geometry.elementAt, geometry.routingAt)
    this.#routing = this.#packet.subarray(geometry.routingAt, geometry.macAt)
    this.#macOfPacket = this.#packet.subarray(geometry.macAt, geometry.blockAt)
    this.#block = this.#packet.subarray(geometry.blockAt)
    this.#mac = Buffer.alloc(geometry.macBytes)
    this.#padded = Buffer.alloc(geometry.routingBytes + geometry.slotBytes)
    this.#opened = Buffer.alloc(this.#padded.length)
    this.#carried = this.#opened.subarray(geometry.commandBytes, geometry.slotBytes)
    this.#nextRouting = this.#opened.subarray(geometry.slotBytes)
    this.#nextElement = Buffer.alloc(geometry.elementBytes)
    this.#wide = suite.newWideBlock(this.#block)
  }

  /** 32 bytes that name this packet under this key. Only meaningful once its header proved genuine. */
  get replayTag(): Buffer {
    return this.#schedule.keys.replayTag
  }

  get delaySeed(): Buffer {
    return this.#schedule.keys.delaySeed
  }

  /** Both steps: what this hop is to do with the packet that starts at `at`, which is then as its next holder gets it. */
  unwrap(slab: Buffer, at: number): HopOutcome {
    return this.openHeader(slab, at) === 'dropped' ? 'dropped' : this.finish(slab, at)
  }

  /**
   * The first step leaves the slab as it is. It finds whether the header is genuine and what it commands, so that a replay can
   * be dropped before any more work goes into it.
   */
  openHeader(slab: Buffer, at: number): HopOutcome {
    const { geometry, version, mac, stream, keyExchange } = this.#suite
    assert(at >= 0 && at + geometry.packetBytes <= slab.length, 'a packet lies within its slab')
    const schedule = this.#schedule
    this.#kind = undefined
    this.dropReason = undefined
    slab.copy(this.#packet, 0, at, at + geometry.packetBytes)
    if (!version.accepts(this.#packet[0]!, this.#packet[1]!)) return this.#drop('version_unknown')
    schedule.element.set(this.#element)
    if (!keyExchange.agree(schedule, this.#privateKey)) return this.#drop('point_refused')
    schedule.derive()
    mac(this.#mac, this.#underMac, schedule.keys.mac)
    if (!equalSecrets(this.#mac, this.#macOfPacket)) return this.#drop('header_forged')
    this.#padded.set(this.#routing)
    stream(this.#opened, this.#padded, schedule.keys.stream)
    this.#kind = this.commands.parse(this.#opened)
    return this.#kind ?? this.#drop('commands_invalid')
  }

  /** The second step, after `openHeader` of the same slot: the payload's layer, and for a forward the next hop's header. */
  finish(slab: Buffer, at: number): HopOutcome {
    const { geometry, keyExchange } = this.#suite
    const kind = this.#kind
    assert(kind, 'the header was opened first')
    this.#kind = undefined
    this.#wide.decrypt(this.#schedule.keys.payload)
    if (kind === 'forward') {
      if (!keyExchange.next(this.#nextElement, this.#schedule, this.#carried)) return this.#drop('point_refused')
      slab.set(this.#nextElement, at + geometry.elementAt)
      slab.set(this.#nextRouting, at + geometry.routingAt)
      slab.set(this.commands.nextMac, at + geometry.macAt)
    }
    this.#schedule.wipeSecrets()
    if (kind === 'deliver' && !hasZeroTag(this.#block, geometry.tagBytes)) return this.#drop('payload_broken')
    slab.set(this.#block, at + geometry.blockAt)
    return kind
  }

  /** Overwrites the key and everything derived from it. The object is of no use afterwards. */
  wipe(): void {
    const { keys, dh, element } = this.#schedule
    this.#schedule.wipeSecrets()
    for (const secret of [this.#privateKey, keys.replayTag, keys.delaySeed, dh, element]) secret.fill(0)
    for (const secret of [this.#packet, this.#padded, this.#opened, this.#nextElement]) secret.fill(0)
  }

  #drop(reason: DropReason): 'dropped' {
    this.#schedule.wipeSecrets()
    this.dropReason = reason
    return 'dropped'
  }
}
