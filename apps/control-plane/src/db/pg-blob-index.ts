import type { Reach } from '@fog/fog'
import type { AccountId, Instant } from '@fog/kernel'
import { sql } from 'kysely'
import type { BlobIndex, Grant } from '../ports.ts'
import { rowsOf, texts } from './rows.ts'
import type { RowShape } from './rows.ts'
import type { Db } from './tables.ts'

interface Blob {
  readonly digest: string
  readonly size: number
  readonly at: Instant
}

interface SmallBlob {
  readonly digest: string
  readonly content: Uint8Array
  readonly at: Instant
}

const BLOB: RowShape<Blob> = {
  digest: ['text', (blob) => blob.digest],
  size: ['int8', (blob) => blob.size],
  at: ['int8', (blob) => blob.at],
}

const SMALL: RowShape<SmallBlob> = {
  digest: ['text', (blob) => blob.digest],
  size: ['int8', (blob) => blob.content.length],
  at: ['int8', (blob) => blob.at],
  content: ['bytea', (blob) => blob.content],
}

const GRANT: RowShape<Grant> = {
  account_id: ['text', (grant) => grant.accountId],
  digest: ['text', (grant) => grant.digest],
  reach: ['text', (grant) => grant.reach ?? 'direct'],
}

/** The index of content in PostgreSQL, and small content itself. */
export class PgBlobIndex implements BlobIndex {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async add(blobs: readonly Blob[]): Promise<void> {
    if (blobs.length === 0) return
    // In the order of digests, so that two who add the same ones do not wait for each other in a circle.
    await sql`
      INSERT INTO blobs (digest, size, at) SELECT * FROM ${rowsOf(BLOB, blobs)} ORDER BY digest
      ON CONFLICT (digest) DO NOTHING`.execute(this.#db)
  }

  async addSmall(blobs: readonly SmallBlob[]): Promise<void> {
    if (blobs.length === 0) return
    await sql`
      INSERT INTO blobs (digest, size, at, content) SELECT * FROM ${rowsOf(SMALL, blobs)} ORDER BY digest
      ON CONFLICT (digest) DO NOTHING`.execute(this.#db)
  }

  async findSmall(digest: string): Promise<Uint8Array | undefined> {
    const row = await this.#db.selectFrom('blobs').select('content').where('digest', '=', digest).executeTakeFirst()
    return row?.content ? new Uint8Array(row.content) : undefined
  }

  async sizes(digests: readonly string[]): Promise<Map<string, number>> {
    if (digests.length === 0) return new Map()
    const { rows } = await sql<{ digest: string; size: number }>`
      SELECT digest, size FROM blobs WHERE digest = ANY (${texts(digests)})`.execute(this.#db)
    return new Map(rows.map((row) => [row.digest, row.size]))
  }

  async grant(grants: readonly Grant[]): Promise<void> {
    if (grants.length === 0) return
    await sql`
      INSERT INTO blob_grants (account_id, digest, reach)
      SELECT * FROM ${rowsOf(GRANT, grants)} ORDER BY account_id, digest, reach
      ON CONFLICT DO NOTHING`.execute(this.#db)
  }

  async granted(grants: readonly Grant[]): Promise<Grant[]> {
    if (grants.length === 0) return []
    const { rows } = await sql<{ account_id: AccountId; digest: string }>`
      SELECT r.account_id, r.digest FROM ${rowsOf(GRANT, grants)}
      WHERE EXISTS (
        SELECT FROM blob_grants WHERE blob_grants.account_id = r.account_id AND blob_grants.digest = r.digest
      )`.execute(this.#db)
    return rows.map(({ account_id: accountId, digest }) => ({ accountId, digest }))
  }

  async readable(accountId: AccountId, digests: readonly string[]): Promise<Set<string>> {
    if (digests.length === 0) return new Set()
    const { rows } = await sql<{ digest: string }>`
      SELECT digest FROM blob_grants
      WHERE account_id = ${accountId} AND digest = ANY (${texts(digests)})`.execute(this.#db)
    return new Set(rows.map((row) => row.digest))
  }

  async came(accountId: AccountId | undefined, digests: readonly string[], reach: Reach): Promise<Set<string>> {
    if (digests.length === 0) return new Set()
    const whose = accountId === undefined ? sql`` : sql`AND account_id = ${accountId}`
    const { rows } = await sql<{ digest: string }>`
      SELECT digest FROM blob_grants
      WHERE digest = ANY (${texts(digests)}) AND reach = ${reach} ${whose}`.execute(this.#db)
    return new Set(rows.map((row) => row.digest))
  }
}
