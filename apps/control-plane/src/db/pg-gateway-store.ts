import type { GatewayId, Instant } from '@fog/kernel'
import type { GatewayStore } from '../ports.ts'
import type { Db } from './tables.ts'

/** Control planes that hold worker channels, in PostgreSQL. */
export class PgGatewayStore implements GatewayStore {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  async beat(gatewayId: GatewayId, at: Instant): Promise<void> {
    await this.#db
      .insertInto('gateways')
      .values({ gateway_id: gatewayId, beat_at: at })
      .onConflict((conflict) => conflict.column('gateway_id').doUpdateSet({ beat_at: at }))
      .execute()
  }

  async listSilent(before: Instant): Promise<GatewayId[]> {
    const query = this.#db.selectFrom('gateways').select('gateway_id').where('beat_at', '<', before)
    return (await query.orderBy('beat_at').orderBy('gateway_id').execute()).map((row) => row.gateway_id)
  }

  async remove(gatewayId: GatewayId): Promise<void> {
    await this.#db.deleteFrom('gateways').where('gateway_id', '=', gatewayId).execute()
  }
}
