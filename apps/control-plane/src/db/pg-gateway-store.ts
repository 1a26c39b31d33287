import type { GatewayId, Instant } from '@fog/kernel'
import { sql } from 'kysely'
import type { GatewayStore } from '../ports.ts'
import type { Db } from './tables.ts'

/** Control planes that hold worker channels, in PostgreSQL. */
export class PgGatewayStore implements GatewayStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async beat(gatewayId: GatewayId, at: Instant): Promise<boolean> {
    // A row that was there has been locked for the update; a new one has no such mark.
    const { rows } = await sql<{ known: boolean }>`
      INSERT INTO gateways (gateway_id, beat_at) VALUES (${gatewayId}, ${at})
      ON CONFLICT (gateway_id) DO UPDATE SET beat_at = excluded.beat_at RETURNING xmax::text <> '0' AS known`.execute(
      this.#db,
    )
    return rows[0]!.known
  }

  async listSilent(before: Instant): Promise<GatewayId[]> {
    const query = this.#db.selectFrom('gateways').select('gateway_id').where('beat_at', '<', before)
    return (await query.orderBy('beat_at').orderBy('gateway_id').execute()).map((row) => row.gateway_id)
  }

  async remove(gatewayId: GatewayId): Promise<void> {
    await this.#db.deleteFrom('gateways').where('gateway_id', '=', gatewayId).execute()
  }
}
