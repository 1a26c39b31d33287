export interface LinkRateLimits {
  /** On average, over a long time. */
  readonly packetsPerSecond: number
  /** So many may come at once after a pause. */
  readonly burst: number
}

/** What an ordinary client sends without cover at the most, and again as much for answers and loops. */
export const CLIENT_LINK_RATE: LinkRateLimits = { packetsPerSecond: 1_000, burst: 1_000 }

/**
 * How much one client may send through a gateway: the generic cell rate algorithm (ITU-T I.371), which is a token bucket kept as
 * one number, the time at which all that came would have come at the allowed rate. A client that sends more is not read from until
 * then: nothing is dropped, its own connection fills up, and others notice nothing.
 */
export class LinkRate {
  readonly #everyMs: number
  readonly #slackMs: number
  #paidUntil = -Infinity

  constructor({ packetsPerSecond, burst }: LinkRateLimits) {
    this.#everyMs = 1_000 / packetsPerSecond
    this.#slackMs = burst * this.#everyMs
  }

  /** When the next frame may be read, in the time of `took`: in the past for one that keeps to its rate. */
  get readableAt(): number {
    return this.#paidUntil - this.#slackMs
  }

  /** So many packets were read. A frame is taken whole, so that a burst may be longer by one frame. */
  took(packets: number, now: number): void {
    this.#paidUntil = Math.max(this.#paidUntil, now) + packets * this.#everyMs
  }
}

/** Links that have bytes to read but sent more than they may, and until when. */
export class HeldLinks<Link> {
  readonly #held = new Map<Link, number>()

  get size(): number {
    return this.#held.size
  }

  has(link: Link): boolean {
    return this.#held.has(link)
  }

  hold(link: Link, readableAt: number): void {
    this.#held.set(link, readableAt)
  }

  forget(link: Link): void {
    this.#held.delete(link)
  }

  /** When the first of them may be read again; Infinity when none is held. */
  get nextAt(): number {
    return this.#held.values().reduce((first, readableAt) => Math.min(first, readableAt), Infinity)
  }

  /** Lets go those whose time has come. */
  release(now: number, ready: (link: Link) => void): void {
    for (const [link, readableAt] of this.#held) {
      if (readableAt > now) continue
      this.#held.delete(link)
      ready(link)
    }
  }
}
