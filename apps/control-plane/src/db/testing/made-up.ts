import { newId, seededRng, toHex } from '@fog/kernel'
import type { Id, IdKind, Instant } from '@fog/kernel'
import type { ApiToken, FogEvent, JoinToken, LogChunk, Session, User } from '../../ports.ts'

export const START: Instant = Date.UTC(2026, 0, 1)

/** Makes people, keys, events and ids that hold together, the same for the same seed. */
export class MadeUp {
  readonly #rng
  #made = 0

  constructor(seed = 5) {
    this.#rng = seededRng(seed)
  }

  /** Ids rise with each call. */
  id<Kind extends IdKind>(kind: Kind): Id<Kind> {
    this.#made += 1
    return newId(kind, START + this.#made, this.#rng)
  }

  hash(): string {
    return toHex(this.#rng.bytes(32))
  }

  user(part: Partial<User> = {}): User {
    const userId = this.id('user')
    return {
      userId,
      name: `user-${this.#made}`,
      role: 'member',
      accountId: this.id('account'),
      passwordHash: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA',
      status: 'active',
      failedLogins: 0,
      createdAt: START,
      ...part,
    }
  }

  session(userId: User['userId'], part: Partial<Session> = {}): Session {
    return {
      sessionId: this.id('session'),
      userId,
      refreshHash: this.hash(),
      usedHashes: [],
      createdAt: START,
      expiresAt: START + 1_000,
      userAgent: 'fog-cli/0.1 "quoted" \\ ünï',
      ...part,
    }
  }

  token(userId: User['userId'], part: Partial<ApiToken> = {}): ApiToken {
    return {
      tokenId: this.id('token'),
      userId,
      name: 'nightly, "quoted"',
      hash: this.hash(),
      scopes: ['jobs:read', 'jobs:write'],
      createdAt: START,
      ...part,
    }
  }

  joinToken(user: User, part: Partial<JoinToken> = {}): JoinToken {
    return {
      joinTokenId: this.id('joinToken'),
      userId: user.userId,
      accountId: user.accountId,
      name: 'the attic',
      hash: this.hash(),
      usesLeft: 3,
      createdAt: START,
      expiresAt: START + 1_000,
      ...part,
    }
  }

  event(part: Partial<FogEvent> = {}): FogEvent {
    return { type: 'job.queued', at: START, data: { tasks: 3, name: 'größe', urgent: false }, ...part }
  }

  chunk(part: Partial<LogChunk> & Pick<LogChunk, 'taskId' | 'attemptId' | 'sequence'>): LogChunk {
    return { stream: 'stdout', text: `line ${part.sequence}\n`, at: START, ...part }
  }
}
