import type { Instant } from '@fog/kernel'
import type { StreamId } from './frames.ts'

/** Streams of one session may come in another order than they were opened in, but no further apart than this. */
const WINDOW = 256
const MASK = (1n << BigInt(WINDOW)) - 1n

interface Session {
  highest: number
  /** Bit n: whether stream `highest - n` was opened. */
  opened: bigint
  usedAt: Instant
}

export type Opening = 'new' | 'repeated' | 'stale'

/**
 * Which streams others opened, so that none is opened twice, by a frame that came late or that somebody kept: a request must not be
 * carried out again. Of each session a window is remembered (as RFC 4303, section 3.4.3 does for packets), and sessions
 * unused for longest are forgotten; what was opened before that, or before this end began, is refused.
 */
export class OpenedStreams {
  readonly #most: number
  readonly #sessions = new Map<string, Session>()
  /** What was opened up to here could have been forgotten. */
  #horizon: Instant

  constructor(startedAt: Instant, most: number) {
    this.#horizon = startedAt
    this.#most = most
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Notes that a peer opens a stream, or broke it off. */
  note(peer: string, { session, number }: StreamId, openedAt: Instant, now: Instant): Opening {
    const name = `${peer} ${session}`
    const known = this.#sessions.get(name)
    if (!known && openedAt < this.#horizon) return 'stale'
    const held = known ?? { highest: 0, opened: 0n, usedAt: now }
    if (!mark(held, number)) return 'repeated'
    held.usedAt = now
    this.#sessions.delete(name)
    this.#sessions.set(name, held)
    this.#forget()
    return 'new'
  }

  #forget(): void {
    const [oldest] = this.#sessions
    if (this.#sessions.size <= this.#most || !oldest) return
    this.#sessions.delete(oldest[0])
    this.#horizon = Math.max(this.#horizon, oldest[1].usedAt)
  }
}

/** Whether the number is new in the session, which then knows it. */
function mark(session: Session, number: number): boolean {
  const ahead = number - session.highest
  if (ahead > 0) {
    session.opened = ahead >= WINDOW ? 1n : ((session.opened << BigInt(ahead)) | 1n) & MASK
    session.highest = number
    return true
  }
  if (-ahead >= WINDOW) return false
  const bit = 1n << BigInt(-ahead)
  if ((session.opened & bit) !== 0n) return false
  session.opened |= bit
  return true
}
