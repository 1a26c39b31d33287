import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { Log } from '../platform.ts'
import type { Leadership, Term } from '../ports.ts'
import { connectionConfig } from './pg-pool.ts'
import type { DatabaseAddress } from './pg-pool.ts'

/** Second half of the lock's key; the first is "fog". */
const LEADER_LOCK = 0x66_6f_67_02
const RECONNECT_MS = 250
const PING_MS = 2_000
/** The server ends a leader's session it has not heard of for this long, and with it the leadership. */
const SILENT_MS = 10_000

export interface LeaderDependencies {
  readonly address: DatabaseAddress
  readonly log?: Log | undefined
}

/**
 * Who leads holds an advisory lock, on a connection of its own: when the process or its connection dies, the server frees the
 * lock and the next in line has it at once. Each term has a higher epoch than every one before.
 */
export class PgLeadership implements Leadership {
  readonly #address: DatabaseAddress
  readonly #log: Log | undefined

  constructor({ address, log }: LeaderDependencies) {
    this.#address = address
    this.#log = log
  }

  async lead(signal: AbortSignal): Promise<Term> {
    for (;;) {
      signal.throwIfAborted()
      try {
        return await this.#stand(signal)
      } catch (fault) {
        signal.throwIfAborted()
        this.#log?.debug({ err: fault }, 'standing for leader again')
        await sleep(RECONNECT_MS, undefined, { signal })
      }
    }
  }

  async #stand(signal: AbortSignal): Promise<Term> {
    const client = new Client({ ...connectionConfig(this.#address), connectionTimeoutMillis: 5_000 })
    const over = new AbortController()
    client.on('error', () => over.abort())
    client.once('end', () => over.abort())
    const stopWaiting = () => hangUp(client)
    try {
      await client.connect()
      // Not sooner: the driver never answers a connect that is ended in its middle.
      signal.throwIfAborted()
      signal.addEventListener('abort', stopWaiting)
      // The server must notice a candidate or a leader whose machine is gone, and one that hangs.
      await client.query(`SET statement_timeout = 0; SET lock_timeout = 0; SET client_connection_check_interval = '2s';
        SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3`)
      await client.query('SELECT pg_advisory_lock($1)', [LEADER_LOCK])
      await client.query(`SET idle_session_timeout = ${SILENT_MS}`)
      const { rows } = await client.query<{ epoch: number }>(
        `INSERT INTO leadership (role, epoch) VALUES ('leader', 1)
         ON CONFLICT (role) DO UPDATE SET epoch = leadership.epoch + 1 RETURNING epoch`,
      )
      signal.throwIfAborted()
      void keepAlive(client, over)
      return { epoch: rows[0]!.epoch, signal: over.signal, resign: () => resign(client, over) }
    } catch (fault) {
      hangUp(client)
      throw fault
    } finally {
      signal.removeEventListener('abort', stopWaiting)
    }
  }
}

/** Shows the server that we live, and us that the server does. */
async function keepAlive(client: Client, over: AbortController): Promise<void> {
  while (!over.signal.aborted) {
    try {
      await sleep(PING_MS, undefined, { signal: over.signal, ref: false })
      await Promise.race([client.query('SELECT 1'), tooLate(over.signal)])
    } catch {
      over.abort()
      hangUp(client)
    }
  }
}

async function tooLate(signal: AbortSignal): Promise<never> {
  await sleep(SILENT_MS / 2, undefined, { signal, ref: false })
  throw new Error('the database did not answer in time')
}

async function resign(client: Client, over: AbortController): Promise<void> {
  over.abort()
  try {
    await client.query('SELECT pg_advisory_unlock($1)', [LEADER_LOCK])
  } catch {
    // With the connection gone the lock is too.
  }
  hangUp(client)
}

function hangUp(client: Client): void {
  client.end().catch(() => undefined)
}
