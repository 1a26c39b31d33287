import { assert } from '@fog/kernel'
import { Pool, types } from 'pg'
import type { PoolConfig } from 'pg'

/** Where the database is: a URL, or what `pg` takes. */
export type DatabaseAddress = string | Pick<PoolConfig, 'host' | 'port' | 'user' | 'database' | 'password'>

export interface PoolLimits {
  readonly maxConnections: number
  /** A statement that takes longer is cancelled: nothing we ask takes seconds. */
  readonly statementMs: number
  /** Waiting for a row somebody else has locked. */
  readonly lockMs: number
  /** A transaction left open by a process that hangs frees its locks after this. */
  readonly idleInTransactionMs: number
  readonly connectMs: number
}

export const POOL_LIMITS: PoolLimits = {
  maxConnections: 16,
  statementMs: 30_000,
  lockMs: 15_000,
  idleInTransactionMs: 30_000,
  connectMs: 5_000,
}

const INT8 = 20
const NUMERIC = 1700

/**
 * `bigint` columns hold instants, bytes and counts, which fit a number exactly; `numeric` ones hold money, which is a `bigint`.
 * Set for our own connections, not for the whole process.
 */
const parsers: NonNullable<PoolConfig['types']> = {
  getTypeParser: ((oid: number, format: 'text' | 'binary') => {
    if (format === 'text' && oid === INT8) return wholeNumber
    if (format === 'text' && oid === NUMERIC) return BigInt
    return types.getTypeParser(oid, format)
  }) as typeof types.getTypeParser,
}

export function connectionConfig(address: DatabaseAddress): PoolConfig {
  const where = typeof address === 'string' ? { connectionString: address } : address
  return { ...where, types: parsers, application_name: 'fog', keepAlive: true }
}

export function makePool(address: DatabaseAddress, limits: PoolLimits): Pool {
  return new Pool({
    ...connectionConfig(address),
    max: limits.maxConnections,
    connectionTimeoutMillis: limits.connectMs,
    statement_timeout: limits.statementMs,
    lock_timeout: limits.lockMs,
    idle_in_transaction_session_timeout: limits.idleInTransactionMs,
    idleTimeoutMillis: 60_000,
  })
}

function wholeNumber(text: string): number {
  const value = Number(text)
  assert(Number.isSafeInteger(value), 'a bigint column holds more than a number can')
  return value
}
