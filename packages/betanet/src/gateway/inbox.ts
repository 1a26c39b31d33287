import { type Clock, concat, type Instant, type Rng, toHex } from '@fog/kernel'
import { type Geometry, SURB_ID_BYTES } from '../sphinx/index.ts'

export const DELIVERY_ID_BYTES = 16
const KIND = { payload: 1, 'surb-reply': 2, cover: 3 } as const
const HEAD_BYTES = DELIVERY_ID_BYTES + 1
/** A payload has no SURB id, and was freed of its tag of 32 bytes: so much is made up for, and all deliveries are of one size. */
const PAYLOAD_PADDING = new Uint8Array(SURB_ID_BYTES + 32)
const NOTHING = new Uint8Array(0)

/** What a gateway keeps for clients. */
export interface InboxLimits {
  readonly clients: number
  readonly deliveriesAClient: number
  readonly bytesAClient: number
  /** A client is remembered, and what came for it kept, so long after its last link. */
  readonly keepMs: number
}

export const DEFAULT_INBOX_LIMITS: InboxLimits = {
  clients: 10_000,
  deliveriesAClient: 2_048,
  bytesAClient: 8 * 1024 * 1024,
  keepMs: 15 * 60_000,
}

interface Client {
  readonly waiting: Map<string, Uint8Array>
  bytes: number
  isHere: boolean
  seenAt: Instant
  /** Mean time between deliveries that it asked for, in milliseconds; 0 for as they come. */
  paceMs: number
}

/**
 * What came for a gateway's clients and was not taken yet. A delivery stays until its client says that it has it, over as many
 * links as that takes; for somebody who was never here nothing is kept. Lost with the gateway: the sender sends again what
 * nobody acknowledged.
 *
 *     delivery id 16 | 01 | payload | zeros 48      or      delivery id 16 | 02 | SURB id 16 | block
 */
export class Inbox {
  readonly #clock: Clock
  readonly #rng: Rng
  readonly #limits: InboxLimits
  readonly #clients = new Map<string, Client>()

  constructor(
    { clock, rng }: { readonly clock: Clock; readonly rng: Rng },
    limits: InboxLimits = DEFAULT_INBOX_LIMITS,
  ) {
    this.#clock = clock
    this.#rng = rng
    this.#limits = limits
  }

  /** Deliveries that wait, of all clients. */
  get waiting(): number {
    return [...this.#clients.values()].reduce((sum, client) => sum + client.waiting.size, 0)
  }

  get clients(): number {
    return this.#clients.size
  }

  /** A client's link came: what waits for it, oldest first. */
  arrive(linkKey: Uint8Array): readonly Uint8Array[] {
    const name = toHex(linkKey)
    const client = this.#clients.get(name) ?? { waiting: new Map(), bytes: 0, isHere: true, seenAt: 0, paceMs: 0 }
    client.isHere = true
    client.seenAt = this.#clock.now()
    if (!this.#clients.has(name) && this.#clients.size >= this.#limits.clients) this.#forgetOldest()
    this.#clients.set(name, client)
    return [...client.waiting.values()]
  }

  /** The mean time between deliveries that the client asked for, also on an earlier link; 0 for as they come. */
  paceOf(linkKey: Uint8Array): number {
    return this.#clients.get(toHex(linkKey))?.paceMs ?? 0
  }

  setPace(linkKey: Uint8Array, meanMs: number): void {
    const client = this.#clients.get(toHex(linkKey))
    if (client) client.paceMs = meanMs
  }

  leave(linkKey: Uint8Array): void {
    const client = this.#clients.get(toHex(linkKey))
    if (!client) return
    client.isHere = false
    client.seenAt = this.#clock.now()
  }

  /** Keeps what came for a client; the delivery to send it. Undefined when it is not known, or its inbox is full. */
  add(recipient: Uint8Array, body: Uint8Array, surbId?: Uint8Array): Uint8Array | undefined {
    const client = this.#clients.get(toHex(recipient))
    if (!client || client.waiting.size >= this.#limits.deliveriesAClient) return undefined
    const id = this.#rng.bytes(DELIVERY_ID_BYTES)
    const delivery = surbId
      ? concat(id, Uint8Array.of(KIND['surb-reply']), surbId, body)
      : concat(id, Uint8Array.of(KIND.payload), body, PAYLOAD_PADDING)
    if (client.bytes + delivery.length > this.#limits.bytesAClient) return undefined
    client.waiting.set(toHex(id), delivery)
    client.bytes += delivery.length
    return delivery
  }

  /** The client has these deliveries: their ids one after the other. Ids it never got change nothing. */
  take(linkKey: Uint8Array, ids: Uint8Array): void {
    const client = this.#clients.get(toHex(linkKey))
    if (!client) return
    for (let at = 0; at + DELIVERY_ID_BYTES <= ids.length; at += DELIVERY_ID_BYTES) {
      const id = toHex(ids.subarray(at, at + DELIVERY_ID_BYTES))
      client.bytes -= client.waiting.get(id)?.length ?? 0
      client.waiting.delete(id)
    }
  }

  /** Forgets clients that were not here for too long, and what waited for them. */
  expire(): void {
    const since = this.#clock.now() - this.#limits.keepMs
    for (const [name, client] of this.#clients) if (!client.isHere && client.seenAt < since) this.#clients.delete(name)
  }

  #forgetOldest(): void {
    const away = [...this.#clients].filter(([, { isHere }]) => !isHere)
    const oldest = away.reduce<(typeof away)[number] | undefined>(
      (first, each) => (first && first[1].seenAt <= each[1].seenAt ? first : each),
      undefined,
    )
    if (oldest) this.#clients.delete(oldest[0])
  }
}

/** Bytes of every delivery of packets of this form. */
export function deliveryBytes({ packetBytes, blockAt }: Geometry): number {
  return HEAD_BYTES + SURB_ID_BYTES + packetBytes - blockAt
}

/** A delivery that brings nothing, of so many bytes. */
export function coverDelivery(rng: Rng, bytes: number): Uint8Array {
  const cover = rng.bytes(bytes)
  cover[DELIVERY_ID_BYTES] = KIND.cover
  return cover
}

export interface Delivery {
  readonly id: Uint8Array
  /** Only there so that others are not seen: its id is told to the gateway like any. */
  readonly isCover: boolean
  readonly surbId: Uint8Array | undefined
  readonly body: Uint8Array
}

/** A delivery as its client reads it; undefined when it is none. */
export function parseDelivery(delivery: Uint8Array): Delivery | undefined {
  const kind = delivery[DELIVERY_ID_BYTES]
  const id = delivery.subarray(0, DELIVERY_ID_BYTES)
  const rest = delivery.subarray(HEAD_BYTES)
  const plain = { id, isCover: false, surbId: undefined, body: NOTHING }
  if (kind === KIND.cover) return { ...plain, isCover: true }
  if (kind === KIND.payload && rest.length >= PAYLOAD_PADDING.length) {
    return { ...plain, body: rest.subarray(0, rest.length - PAYLOAD_PADDING.length) }
  }
  if (kind !== KIND['surb-reply'] || rest.length < SURB_ID_BYTES) return undefined
  return { ...plain, surbId: rest.subarray(0, SURB_ID_BYTES), body: rest.subarray(SURB_ID_BYTES) }
}
