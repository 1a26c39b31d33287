import { type AccountId, type Instant, toHex } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import { sql } from 'kysely'
import {
  type MessageBounds,
  type MixFlow,
  type MixNodeRecord,
  type MixnetStore,
  type MixReport,
  type MixTraffic,
  TRAFFIC_FIELDS,
  type WaitingMessage,
} from '../mixnet/stores.ts'
import { texts, toText } from './rows.ts'
import type { Db } from './tables.ts'

const NODE = sql`identity_key, account_id, name, operator, added_at, revoked_at`
const COLUMN_OF = {
  received: 'received',
  forwarded: 'forwarded',
  delivered: 'delivered',
  cover: 'cover',
  dropped: 'dropped',
  bytesIn: 'bytes_in',
  bytesOut: 'bytes_out',
  loopsSent: 'loops_sent',
  loopsReturned: 'loops_returned',
  loopsLost: 'loops_lost',
} as const satisfies Record<keyof MixTraffic, string>

/** Admitted mix nodes, their reports, and messages between authorities, in PostgreSQL. */
export class PgMixnetStore implements MixnetStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async addNode({ identityKey, accountId, name, addedAt, revokedAt }: MixNodeRecord): Promise<boolean> {
    const { numAffectedRows } = await sql`
      INSERT INTO mixnet_nodes (identity_key, account_id, name, added_at, revoked_at)
      VALUES (${identityKey}, ${accountId}, ${toText(name)}, ${addedAt}, ${revokedAt ?? null})
      ON CONFLICT DO NOTHING`.execute(this.#db)
    return numAffectedRows === 1n
  }

  async findNode(identityKey: string): Promise<MixNodeRecord | undefined> {
    return (await this.findNodes([identityKey])).get(identityKey)
  }

  async findNodes(identityKeys: readonly string[]): Promise<Map<string, MixNodeRecord>> {
    const { rows } = await sql<NodeRow>`
      SELECT ${NODE} FROM mixnet_nodes JOIN mixnet_operators USING (account_id)
      WHERE identity_key = ANY (${texts(identityKeys)})`.execute(this.#db)
    return new Map(rows.map((row) => [row.identity_key, toNode(row)]))
  }

  async revokeNode(identityKey: string, at: Instant): Promise<void> {
    await sql`
      UPDATE mixnet_nodes SET revoked_at = ${at} WHERE identity_key = ${identityKey} AND revoked_at IS NULL
    `.execute(this.#db)
  }

  async listNodes({ accountId, after = '', limit }: Parameters<MixnetStore['listNodes']>[0]): Promise<MixNodeRecord[]> {
    const { rows } = await sql<NodeRow>`
      SELECT ${NODE} FROM mixnet_nodes JOIN mixnet_operators USING (account_id)
      WHERE identity_key > ${after} AND (${accountId ?? null}::text IS NULL OR account_id = ${accountId ?? null})
      ORDER BY identity_key LIMIT ${limit}`.execute(this.#db)
    return rows.map(toNode)
  }

  async countNodes(accountId: AccountId): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      SELECT count(*) AS count FROM mixnet_nodes
      WHERE account_id = ${accountId} AND revoked_at IS NULL`.execute(this.#db)
    return rows[0]!.count
  }

  async claimOperator(accountId: AccountId, operator: string): Promise<string | undefined> {
    await sql`
      INSERT INTO mixnet_operators (account_id, operator) VALUES (${accountId}, ${operator}) ON CONFLICT DO NOTHING
    `.execute(this.#db)
    return this.findOperator(accountId)
  }

  async findOperator(accountId: AccountId): Promise<string | undefined> {
    const { rows } = await sql<{ operator: string }>`
      SELECT operator FROM mixnet_operators WHERE account_id = ${accountId}`.execute(this.#db)
    return rows[0]?.operator
  }

  async putReport(network: string, report: MixReport): Promise<'added' | 'replaced' | 'known' | 'superseded'> {
    const { epoch, identityKey, revision, coveredMs, at, bytes } = report
    const columns = sql.join(TRAFFIC_FIELDS.map((field) => sql.ref(COLUMN_OF[field])))
    const values = sql.join(TRAFFIC_FIELDS.map((field) => report[field]))
    const changes = sql.join(
      ['revision', 'covered_ms', 'at', 'content', ...Object.values(COLUMN_OF)].map(
        (column) => sql`${sql.ref(column)} = ${sql.ref(`excluded.${column}`)}`,
      ),
    )
    const { rows } = await sql<{ is_new: boolean }>`
      INSERT INTO mixnet_reports AS kept (network, epoch, identity_key, revision, covered_ms, at, content, ${columns})
      VALUES (${network}, ${epoch}, ${identityKey}, ${revision}, ${coveredMs}, ${at}, ${Buffer.from(bytes)}, ${values})
      ON CONFLICT (network, epoch, identity_key) DO UPDATE SET ${changes} WHERE kept.revision < excluded.revision
      RETURNING xmax = 0 AS is_new`.execute(this.#db)
    if (rows[0]) return rows[0].is_new ? 'added' : 'replaced'
    const { rows: same } = await sql`
      SELECT 1 FROM mixnet_reports WHERE network = ${network} AND epoch = ${epoch} AND identity_key = ${identityKey}
        AND content = ${Buffer.from(bytes)}`.execute(this.#db)
    return same.length > 0 ? 'known' : 'superseded'
  }

  async listReports(network: string, epoch: number): Promise<MixReport[]> {
    const { rows } = await sql<ReportRow>`
      SELECT * FROM mixnet_reports WHERE network = ${network} AND epoch = ${epoch} ORDER BY identity_key
    `.execute(this.#db)
    return rows.map(toReport)
  }

  async sumReports(
    network: string,
    { limit, identityKey = null }: { readonly limit: number; readonly identityKey?: string | undefined | null },
  ): Promise<MixFlow[]> {
    const sums = sql.join(
      Object.values(COLUMN_OF).map((column) => sql`sum(${sql.ref(column)})::bigint AS ${sql.ref(column)}`),
    )
    const { rows } = await sql<FlowRow>`
      SELECT epoch, count(*) AS nodes, ${sums}, sum(received * 1000.0::float8 / covered_ms) AS received_per_second,
        sum(forwarded * 1000.0::float8 / covered_ms) AS forwarded_per_second
      FROM mixnet_reports
      WHERE network = ${network} AND (${identityKey}::text IS NULL OR identity_key = ${identityKey})
      GROUP BY epoch ORDER BY epoch DESC LIMIT ${limit}`.execute(this.#db)
    return rows.map((row) => ({
      epoch: row.epoch,
      nodes: row.nodes,
      ...toTraffic(row),
      receivedPerSecond: row.received_per_second,
      forwardedPerSecond: row.forwarded_per_second,
    }))
  }

  async forgetReportsBefore(network: string, epoch: number): Promise<void> {
    await sql`DELETE FROM mixnet_reports WHERE network = ${network} AND epoch < ${epoch}`.execute(this.#db)
  }

  async addMessage(network: string, bytes: Uint8Array, at: Instant, bounds: MessageBounds): Promise<boolean> {
    const { rows } = await sql<{ messages: number; bytes: number }>`
      SELECT count(*) AS messages, coalesce(sum(length(content)), 0)::bigint AS bytes
      FROM mixnet_messages WHERE network = ${network}`.execute(this.#db)
    if (rows[0]!.messages >= bounds.messages || rows[0]!.bytes + bytes.length > bounds.bytes) return false
    await sql`
      INSERT INTO mixnet_messages (network, digest, content, at)
      VALUES (${network}, ${toHex(sha256(bytes))}, ${Buffer.from(bytes)}, ${at}) ON CONFLICT DO NOTHING
    `.execute(this.#db)
    return true
  }

  async listMessages(network: string, limit: number): Promise<WaitingMessage[]> {
    const { rows } = await sql<{ digest: string; content: Buffer }>`
      SELECT digest, content FROM mixnet_messages WHERE network = ${network} ORDER BY at, digest LIMIT ${limit}
    `.execute(this.#db)
    return rows.map(({ digest, content }) => ({ digest, bytes: new Uint8Array(content) }))
  }

  async removeMessages(network: string, digests: readonly string[]): Promise<void> {
    await sql`
      DELETE FROM mixnet_messages WHERE network = ${network} AND digest = ANY (${texts(digests)})
    `.execute(this.#db)
  }
}

interface NodeRow {
  readonly identity_key: string
  readonly account_id: AccountId
  readonly name: string
  readonly operator: string
  readonly added_at: number
  readonly revoked_at: number | null
}

type TrafficRow = { readonly [Column in (typeof COLUMN_OF)[keyof MixTraffic]]: number }

interface ReportRow extends TrafficRow {
  readonly epoch: number
  readonly identity_key: string
  readonly revision: number
  readonly covered_ms: number
  readonly at: number
  readonly content: Buffer
}

interface FlowRow extends TrafficRow {
  readonly epoch: number
  readonly nodes: number
  readonly received_per_second: number
  readonly forwarded_per_second: number
}

function toNode(row: NodeRow): MixNodeRecord {
  const { identity_key: identityKey, account_id: accountId, name, operator, added_at: addedAt, revoked_at } = row
  return { identityKey, accountId, name, operator, addedAt, ...(revoked_at !== null && { revokedAt: revoked_at }) }
}

function toReport(row: ReportRow): MixReport {
  const { epoch, identity_key: identityKey, revision, covered_ms: coveredMs, at, content } = row
  return { epoch, identityKey, revision, coveredMs, at, bytes: new Uint8Array(content), ...toTraffic(row) }
}

function toTraffic(row: TrafficRow): MixTraffic {
  const fields = TRAFFIC_FIELDS.map((field) => [field, row[COLUMN_OF[field]]])
  // One column for each field, by the table above.
  return Object.fromEntries(fields)
}
