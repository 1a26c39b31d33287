import type {
  AccountId,
  Instant,
  JoinTokenId,
  MemoryDatabase,
  MemoryTable,
  SessionId,
  TokenId,
  UserId,
} from '@fog/kernel'
import { AccessError } from '../../access/errors.ts'
import type { AccessStore, ApiToken, AuditEntry, JoinToken, Session, User } from '../../ports.ts'

/** People, their sessions and keys, and the audit log in memory. */
export class MemoryAccessStore implements AccessStore {
  readonly #users: MemoryTable<UserId, User>
  readonly #sessions: MemoryTable<SessionId, Session>
  readonly #tokens: MemoryTable<TokenId, ApiToken>
  readonly #joinTokens: MemoryTable<JoinTokenId, JoinToken>
  readonly #audit: MemoryTable<number, AuditEntry & { readonly sequence: number }>
  readonly #facts: MemoryTable<string, string>

  constructor(database: MemoryDatabase) {
    this.#users = database.table()
    this.#sessions = database.table()
    this.#tokens = database.table()
    this.#joinTokens = database.table()
    this.#audit = database.table()
    this.#facts = database.table()
  }

  async addUser(user: User): Promise<void> {
    if (await this.findUserByName(user.name)) throw new AccessError({ code: 'access.name_taken', name: user.name })
    this.#users.set(user.userId, user)
  }

  async findUser(userId: UserId): Promise<User | undefined> {
    return this.#users.get(userId)
  }

  async findUserByName(name: string): Promise<User | undefined> {
    return [...this.#users.values()].find((user) => user.name === name)
  }

  async findUserByAccount(accountId: AccountId): Promise<User | undefined> {
    return [...this.#users.values()].find((user) => user.accountId === accountId)
  }

  findUserForUpdate(userId: UserId): Promise<User | undefined> {
    return this.findUser(userId)
  }

  async listUsers({ after, limit }: Parameters<AccessStore['listUsers']>[0]): Promise<User[]> {
    return byId(this.#users, (user) => user.userId)
      .filter((user) => !after || user.userId > after)
      .slice(0, limit)
  }

  async saveUser(user: User): Promise<void> {
    if (this.#users.has(user.userId)) this.#users.set(user.userId, user)
  }

  async countUsers(): Promise<number> {
    return this.#users.size
  }

  async addSession(session: Session): Promise<void> {
    this.#sessions.set(session.sessionId, session)
  }

  async findSession(sessionId: SessionId): Promise<Session | undefined> {
    return this.#sessions.get(sessionId)
  }

  findSessionForUpdate(sessionId: SessionId): Promise<Session | undefined> {
    return this.findSession(sessionId)
  }

  async saveSession(session: Session): Promise<void> {
    if (this.#sessions.has(session.sessionId)) this.#sessions.set(session.sessionId, session)
  }

  async listSessions(userId: UserId): Promise<Session[]> {
    return byId(this.#sessions, (session) => session.sessionId).filter((session) => session.userId === userId)
  }

  async endSessions(userId: UserId, at: Instant): Promise<number> {
    const live = (await this.listSessions(userId)).filter((each) => each.endedAt === undefined && each.expiresAt > at)
    for (const session of live) this.#sessions.set(session.sessionId, { ...session, endedAt: at })
    return live.length
  }

  async addToken(token: ApiToken): Promise<void> {
    this.#tokens.set(token.tokenId, token)
  }

  async findToken(tokenId: TokenId): Promise<ApiToken | undefined> {
    return this.#tokens.get(tokenId)
  }

  async findTokenByHash(hash: string): Promise<ApiToken | undefined> {
    return [...this.#tokens.values()].find((token) => token.hash === hash)
  }

  async listTokens(userId: UserId): Promise<ApiToken[]> {
    return byId(this.#tokens, (token) => token.tokenId).filter((token) => token.userId === userId)
  }

  async saveToken(token: ApiToken): Promise<void> {
    if (this.#tokens.has(token.tokenId)) this.#tokens.set(token.tokenId, token)
  }

  async addJoinToken(token: JoinToken): Promise<void> {
    this.#joinTokens.set(token.joinTokenId, token)
  }

  async findJoinTokenByHashForUpdate(hash: string): Promise<JoinToken | undefined> {
    return [...this.#joinTokens.values()].find((token) => token.hash === hash)
  }

  async findJoinToken(joinTokenId: JoinTokenId): Promise<JoinToken | undefined> {
    return this.#joinTokens.get(joinTokenId)
  }

  async listJoinTokens(userId: UserId): Promise<JoinToken[]> {
    return byId(this.#joinTokens, (token) => token.joinTokenId).filter((token) => token.userId === userId)
  }

  async saveJoinToken(token: JoinToken): Promise<void> {
    if (this.#joinTokens.has(token.joinTokenId)) this.#joinTokens.set(token.joinTokenId, token)
  }

  async audit(entry: AuditEntry): Promise<void> {
    const sequence = this.#audit.size + 1
    this.#audit.set(sequence, { ...entry, sequence })
  }

  async listAudit({ before, limit }: Parameters<AccessStore['listAudit']>[0]) {
    return [...this.#audit.values()]
      .filter(({ sequence }) => before === undefined || sequence < before)
      .reverse()
      .slice(0, limit)
  }

  async keep(name: string, value: string): Promise<string> {
    if (!this.#facts.has(name)) this.#facts.set(name, value)
    return this.#facts.get(name)!
  }

  async kept(name: string): Promise<string | undefined> {
    return this.#facts.get(name)
  }
}

function byId<Key, Row>(table: MemoryTable<Key, Row>, idOf: (row: Row) => string): Row[] {
  return [...table.values()].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1))
}
