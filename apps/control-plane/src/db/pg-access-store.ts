import type { AccountId, Instant, JoinTokenId, SessionId, TokenId, UserId } from '@fog/kernel'
import { sql } from 'kysely'
import { AccessError } from '../access/errors.ts'
import type { ApiToken, AccessStore, AuditEntry, JoinToken, Session, User } from '../ports.ts'
import { toJson, toText } from './rows.ts'
import type { ApiTokenRow, AuditRow, Db, JoinTokenRow, SessionRow, UserRow } from './tables.ts'

/** People, their sessions and keys, and the audit log in PostgreSQL. */
export class PgAccessStore implements AccessStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async addUser(user: User): Promise<void> {
    const added = await this.#db
      .insertInto('users')
      .values(fromUser(user))
      .onConflict((conflict) => conflict.column('name').doNothing())
      .returning('user_id')
      .execute()
    if (added.length === 0) throw new AccessError({ code: 'access.name_taken', name: user.name })
  }

  async findUser(userId: UserId): Promise<User | undefined> {
    return one(await this.#users().where('user_id', '=', userId).execute(), toUser)
  }

  async findUserByName(name: string): Promise<User | undefined> {
    return one(await this.#users().where('name', '=', toText(name)).execute(), toUser)
  }

  async findUserByAccount(accountId: AccountId): Promise<User | undefined> {
    return one(await this.#users().where('account_id', '=', accountId).execute(), toUser)
  }

  async findUserForUpdate(userId: UserId): Promise<User | undefined> {
    return one(await this.#users().where('user_id', '=', userId).forUpdate().execute(), toUser)
  }

  async listUsers({ after, limit }: Parameters<AccessStore['listUsers']>[0]): Promise<User[]> {
    let query = this.#users().orderBy('user_id').limit(limit)
    if (after) query = query.where('user_id', '>', after)
    return (await query.execute()).map(toUser)
  }

  async saveUser(user: User): Promise<void> {
    const { user_id, ...changed } = fromUser(user)
    await this.#db.updateTable('users').set(changed).where('user_id', '=', user_id).execute()
  }

  async countUsers(): Promise<number> {
    const { rows } = await sql<{ count: number }>`SELECT count(*) AS count FROM users`.execute(this.#db)
    return rows[0]!.count
  }

  async addSession(session: Session): Promise<void> {
    await this.#db.insertInto('sessions').values(fromSession(session)).execute()
  }

  async findSession(sessionId: SessionId): Promise<Session | undefined> {
    const query = this.#db.selectFrom('sessions').selectAll().where('session_id', '=', sessionId)
    return one(await query.execute(), toSession)
  }

  async findSessionForUpdate(sessionId: SessionId): Promise<Session | undefined> {
    const query = this.#db.selectFrom('sessions').selectAll().where('session_id', '=', sessionId).forUpdate()
    return one(await query.execute(), toSession)
  }

  async saveSession(session: Session): Promise<void> {
    const { session_id, ...changed } = fromSession(session)
    await this.#db.updateTable('sessions').set(changed).where('session_id', '=', session_id).execute()
  }

  async listSessions(userId: UserId): Promise<Session[]> {
    const query = this.#db.selectFrom('sessions').selectAll().where('user_id', '=', userId).orderBy('session_id')
    return (await query.execute()).map(toSession)
  }

  async endSessions(userId: UserId, at: Instant): Promise<number> {
    const { numUpdatedRows } = await this.#db
      .updateTable('sessions')
      .set({ ended_at: at })
      .where('user_id', '=', userId)
      .where('ended_at', 'is', null)
      .where('expires_at', '>', at)
      .executeTakeFirst()
    return Number(numUpdatedRows)
  }

  async addToken(token: ApiToken): Promise<void> {
    await this.#db.insertInto('api_tokens').values(fromToken(token)).execute()
  }

  async findToken(tokenId: TokenId): Promise<ApiToken | undefined> {
    const query = this.#db.selectFrom('api_tokens').selectAll().where('token_id', '=', tokenId)
    return one(await query.execute(), toToken)
  }

  async findTokenByHash(hash: string): Promise<ApiToken | undefined> {
    const query = this.#db.selectFrom('api_tokens').selectAll().where('hash', '=', hash)
    return one(await query.execute(), toToken)
  }

  async listTokens(userId: UserId): Promise<ApiToken[]> {
    const query = this.#db.selectFrom('api_tokens').selectAll().where('user_id', '=', userId).orderBy('token_id')
    return (await query.execute()).map(toToken)
  }

  async saveToken(token: ApiToken): Promise<void> {
    const { token_id, ...changed } = fromToken(token)
    await this.#db.updateTable('api_tokens').set(changed).where('token_id', '=', token_id).execute()
  }

  async addJoinToken(token: JoinToken): Promise<void> {
    await this.#db.insertInto('join_tokens').values(fromJoinToken(token)).execute()
  }

  async findJoinTokenByHashForUpdate(hash: string): Promise<JoinToken | undefined> {
    const query = this.#db.selectFrom('join_tokens').selectAll().where('hash', '=', hash).forUpdate()
    return one(await query.execute(), toJoinToken)
  }

  async findJoinToken(joinTokenId: JoinTokenId): Promise<JoinToken | undefined> {
    const query = this.#db.selectFrom('join_tokens').selectAll().where('join_token_id', '=', joinTokenId)
    return one(await query.execute(), toJoinToken)
  }

  async listJoinTokens(userId: UserId): Promise<JoinToken[]> {
    const query = this.#db.selectFrom('join_tokens').selectAll().where('user_id', '=', userId).orderBy('join_token_id')
    return (await query.execute()).map(toJoinToken)
  }

  async saveJoinToken(token: JoinToken): Promise<void> {
    const { join_token_id, ...changed } = fromJoinToken(token)
    await this.#db.updateTable('join_tokens').set(changed).where('join_token_id', '=', join_token_id).execute()
  }

  async audit({ at, actor, action, subject, address, facts }: AuditEntry): Promise<void> {
    // Subject and address may be anything a caller sent, such as the name of a log-in that failed.
    const [said, from] = [toText(subject), toText(address)]
    await sql`
      INSERT INTO audit_entries (at, actor, action, subject, address, facts)
      VALUES (${at}, ${actor}, ${action}, ${said}, ${from}, ${toJson(facts)}::json)`.execute(this.#db)
  }

  async listAudit({ before, limit }: Parameters<AccessStore['listAudit']>[0]) {
    let query = this.#db.selectFrom('audit_entries').selectAll().orderBy('sequence', 'desc').limit(limit)
    if (before !== undefined) query = query.where('sequence', '<', before)
    return (await query.execute()).map(toAudit)
  }

  async keep(name: string, value: string): Promise<string> {
    await sql`
      INSERT INTO kept_facts (name, value) VALUES (${name}, ${value})
      ON CONFLICT (name) DO NOTHING`.execute(this.#db)
    return (await this.kept(name))!
  }

  async kept(name: string): Promise<string | undefined> {
    const row = await this.#db.selectFrom('kept_facts').select('value').where('name', '=', name).executeTakeFirst()
    return row?.value
  }

  #users() {
    return this.#db.selectFrom('users').selectAll()
  }
}

function one<Row, Item>(rows: readonly Row[], to: (row: Row) => Item): Item | undefined {
  return rows[0] && to(rows[0])
}

function fromUser(user: User): UserRow {
  return {
    user_id: user.userId,
    name: user.name,
    role: user.role,
    account_id: user.accountId,
    password_hash: user.passwordHash,
    status: user.status,
    failed_logins: user.failedLogins,
    locked_until: user.lockedUntil ?? null,
    created_at: user.createdAt,
  }
}

function toUser(row: UserRow): User {
  return {
    userId: row.user_id,
    name: row.name,
    role: row.role,
    accountId: row.account_id,
    passwordHash: row.password_hash,
    status: row.status,
    failedLogins: row.failed_logins,
    lockedUntil: row.locked_until ?? undefined,
    createdAt: row.created_at,
  }
}

function fromSession(session: Session): SessionRow {
  return {
    session_id: session.sessionId,
    user_id: session.userId,
    refresh_hash: session.refreshHash,
    used_hashes: [...session.usedHashes],
    created_at: session.createdAt,
    expires_at: session.expiresAt,
    ended_at: session.endedAt ?? null,
    user_agent: toText(session.userAgent),
  }
}

function toSession(row: SessionRow): Session {
  return {
    sessionId: row.session_id,
    userId: row.user_id,
    refreshHash: row.refresh_hash,
    usedHashes: row.used_hashes,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    endedAt: row.ended_at ?? undefined,
    userAgent: row.user_agent,
  }
}

function fromToken(token: ApiToken): ApiTokenRow {
  return {
    token_id: token.tokenId,
    user_id: token.userId,
    name: toText(token.name),
    hash: token.hash,
    scopes: [...token.scopes],
    created_at: token.createdAt,
    expires_at: token.expiresAt ?? null,
    revoked_at: token.revokedAt ?? null,
    last_used_at: token.lastUsedAt ?? null,
  }
}

function toToken(row: ApiTokenRow): ApiToken {
  return {
    tokenId: row.token_id,
    userId: row.user_id,
    name: row.name,
    hash: row.hash,
    scopes: row.scopes,
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
  }
}

function fromJoinToken(token: JoinToken): JoinTokenRow {
  return {
    join_token_id: token.joinTokenId,
    user_id: token.userId,
    account_id: token.accountId,
    name: toText(token.name),
    hash: token.hash,
    uses_left: token.usesLeft,
    created_at: token.createdAt,
    expires_at: token.expiresAt,
    revoked_at: token.revokedAt ?? null,
  }
}

function toJoinToken(row: JoinTokenRow): JoinToken {
  return {
    joinTokenId: row.join_token_id,
    userId: row.user_id,
    accountId: row.account_id,
    name: row.name,
    hash: row.hash,
    usesLeft: row.uses_left,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at ?? undefined,
  }
}

function toAudit(row: AuditRow): AuditEntry & { readonly sequence: number } {
  const { sequence, at, actor, action, subject, address, facts } = row
  return { sequence, at, actor, action, subject, address, facts }
}
