import type { Rng } from '@fog/kernel'
import type { Geometry } from './geometry.ts'

/** Where secrets and packets come from. The system's CSPRNG, but for tests that must be repeatable. */
export type RandomBytes = Pick<Rng, 'bytes'>

/**
 * The primitives and sizes of a packet format. The engine is written once and takes a suite.
 *
 * All parts work on buffers that were made beforehand, so that a mix node allocates nothing for a packet.
 */
export interface SphinxSuite {
  readonly name: string
  readonly geometry: Geometry
  readonly version: VersionField
  readonly keyExchange: KeyExchange
  /** Which delays a sender asks for: a class, with the time drawn by the node, or milliseconds. */
  readonly delays: 'class' | 'milliseconds'
  /** Derives one hop's keys. Each schedule has buffers of its own. */
  readonly newKeySchedule: () => KeySchedule
  /** 32 bytes into `out`. */
  readonly mac: (out: Buffer, message: Buffer, key: Buffer) => void
  /** `message` under the key's stream, into `out` of the same length. */
  readonly stream: (out: Buffer, message: Buffer, key: Buffer) => void
  /** The wide-block cipher over one buffer, which it changes in place. */
  readonly newWideBlock: (block: Buffer) => WideBlock
}

/** A packet's first two bytes. */
export interface VersionField {
  write(packet: Buffer, epochParity: EpochParity): void
  accepts(first: number, second: number): boolean
}

/** Which of two neighbouring epochs' keys a packet is for. */
export type EpochParity = 0 | 1

export interface HopKeys {
  readonly mac: Buffer
  readonly stream: Buffer
  /** What the wide-block cipher takes; also what SURBs are made of. */
  readonly payload: Buffer
  /** The scalar that blinds the element for the next hop; empty where elements are carried. */
  readonly blinding: Buffer
  /** 32 bytes that are the same only for the same packet under the same key. */
  readonly replayTag: Buffer
  /** 32 bytes that sender and node share and nobody else knows. */
  readonly delaySeed: Buffer
}

/** Fill `element` and `nodeKey`, agree on `dh`, call `derive`: then `keys` are that hop's. */
export interface KeySchedule {
  readonly dh: Buffer
  readonly element: Buffer
  readonly nodeKey: Buffer
  readonly keys: HopKeys
  derive(): void
  /** Overwrites all secrets but the replay tag and the delay seed, which a node still needs. */
  wipeSecrets(): void
}

export interface KeyExchange {
  /** `nike`: one element, blinded from hop to hop. `kem`: a fresh element for every hop, carried in the slot before. */
  readonly kind: 'nike' | 'kem'
  /** The node's side: `dh` from its key and the element. False for a refused point. */
  agree(schedule: KeySchedule, privateKey: Buffer): boolean
  /** The sender's side: elements and derived keys of all hops, whose `nodeKey` is set. False for a refused node key. */
  begin(schedules: readonly KeySchedule[], random: RandomBytes): boolean
  /** The element for the next hop. */
  next(out: Buffer, schedule: KeySchedule, carried: Buffer): boolean
}

export interface WideBlock {
  encrypt(key: Buffer): void
  decrypt(key: Buffer): void
}
