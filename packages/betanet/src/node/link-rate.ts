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

export interface ClientRatesNeeds<Link> {
  /** Milliseconds that only grow. */
  readonly now: () => number
  /** A link that had to wait may be read from again. */
  readonly readable: (link: Link) => void
}

/** The rates of a gateway's clients, and the links that have bytes to read but sent more than they may. */
export class ClientRates<Link> {
  readonly #needs: ClientRatesNeeds<Link>
  readonly #limits: LinkRateLimits
  readonly #rates = new Map<Link, LinkRate>()
  readonly #held = new Map<Link, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(needs: ClientRatesNeeds<Link>, limits: LinkRateLimits) {
    this.#needs = needs
    this.#limits = limits
  }

  /** A client's link opened. Other nodes' links have no rate: they carry many clients' packets. */
  add(link: Link): void {
    this.#rates.set(link, new LinkRate(this.#limits))
  }

  remove(link: Link): void {
    this.#rates.delete(link)
    this.#held.delete(link)
  }

  isClient(link: Link): boolean {
    return this.#rates.has(link)
  }

  isHeld(link: Link): boolean {
    return this.#held.has(link)
  }

  /** Whether the link must not be read from now; `readable` tells when it may be. */
  holds(link: Link): boolean {
    const readableAt = this.#rates.get(link)?.readableAt ?? -Infinity
    if (readableAt <= this.#needs.now()) return false
    this.#held.set(link, readableAt)
    this.#wind()
    return true
  }

  /** A frame with so many packets was read. A message that is no packet is work too, and counts as one. */
  took(link: Link, packets: number): void {
    this.#rates.get(link)?.took(Math.max(1, packets), this.#needs.now())
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#rates.clear()
    this.#held.clear()
  }

  #wind(): void {
    if (this.#timer || this.#held.size === 0) return
    const nextAt = this.#held.values().reduce((first, readableAt) => Math.min(first, readableAt), Infinity)
    this.#timer = setTimeout(() => this.#release(), Math.max(1, Math.ceil(nextAt - this.#needs.now())))
  }

  #release(): void {
    this.#timer = undefined
    const now = this.#needs.now()
    const due = [...this.#held].filter(([, readableAt]) => readableAt <= now)
    for (const [link] of due) this.#held.delete(link)
    for (const [link] of due) this.#needs.readable(link)
    this.#wind()
  }
}
