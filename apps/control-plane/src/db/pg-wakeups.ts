import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { Log } from '../platform.ts'
import type { WakeTopic } from '../ports.ts'
import { connectionConfig } from './pg-pool.ts'
import type { DatabaseAddress } from './pg-pool.ts'

const CHANNEL = 'fog_wake'
/** Announcements that come closer together than this go out as one. */
const GATHER_MS = 5
const RECONNECT_MS = 250
const TOPICS: readonly WakeTopic[] = ['place', 'dispatch', 'cancel', 'settle', 'events', 'mixnet']

export interface WakeupDependencies {
  readonly address: DatabaseAddress
  /** Whether there is nobody else to wake. */
  readonly alone?: boolean | undefined
  readonly log?: Log | undefined
}

/**
 * Carries wake-ups between control planes by NOTIFY, on a connection of its own. They are sent after the commit, not within
 * it: a NOTIFY inside a transaction makes all such commits wait for each other. One that is lost costs time, not truth.
 */
export class PgWakeups {
  readonly #address: DatabaseAddress
  readonly #alone: boolean
  readonly #log: Log | undefined
  readonly #listeners = new Map<WakeTopic, Set<() => void>>()
  readonly #stopping = new AbortController()
  #client: Client | undefined
  #ownPid: number | undefined
  #running: Promise<void> = Promise.resolve()
  #waiting = new Set<WakeTopic>()
  #sending = false

  constructor({ address, alone = false, log }: WakeupDependencies) {
    this.#address = address
    this.#alone = alone
    this.#log = log
  }

  /** Resolves when the first connection listens. Lost ones are made again until `stop()`. */
  async start(): Promise<void> {
    const connection = await this.#listen()
    this.#running = this.#keepListening(connection)
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    hangUp(this.#client)
    await this.#running
  }

  on(topic: WakeTopic, run: () => void): () => void {
    const runs = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, runs.add(run))
    return () => void runs.delete(run)
  }

  /** Wakes those who wait here at once, and those elsewhere within milliseconds. */
  announce(topics: ReadonlySet<WakeTopic>): void {
    for (const topic of topics) {
      this.#wake(topic)
      if (!this.#alone) this.#waiting.add(topic)
    }
    if (!this.#alone && topics.size > 0 && !this.#sending) void this.#send()
  }

  async #send(): Promise<void> {
    this.#sending = true
    while (this.#waiting.size > 0 && !this.#stopping.signal.aborted) {
      const topics = [...this.#waiting]
      this.#waiting.clear()
      try {
        await this.#client?.query(`SELECT pg_notify('${CHANNEL}', topic) FROM unnest($1::text[]) AS r (topic)`, [
          topics,
        ])
      } catch {
        // Others find the work at their own pace.
      }
      await sleep(GATHER_MS)
    }
    this.#sending = false
  }

  async #keepListening(first: Listening): Promise<void> {
    let connection: Listening | undefined = first
    while (!this.#stopping.signal.aborted) {
      await connection?.lost
      connection = undefined
      this.#client = undefined
      if (this.#stopping.signal.aborted) return
      await sleep(RECONNECT_MS, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      try {
        connection = await this.#listen()
        // Whatever was announced meanwhile went past us.
        for (const topic of TOPICS) this.#wake(topic)
      } catch (fault) {
        this.#log?.debug({ err: fault }, 'the connection for wake-ups is not back yet')
      }
    }
  }

  async #listen(): Promise<Listening> {
    const client = new Client({ ...connectionConfig(this.#address), connectionTimeoutMillis: 5_000 })
    const lost = new Promise<void>((resolve) => {
      client.once('end', () => resolve())
      client.on('error', () => resolve())
    })
    client.on('notification', ({ channel, payload, processId }) => {
      if (channel === CHANNEL && processId !== this.#ownPid) this.#wake(payload as WakeTopic)
    })
    await client.connect()
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    this.#ownPid = rows[0]!.pid
    await client.query(`LISTEN ${CHANNEL}`)
    this.#client = client
    if (this.#stopping.signal.aborted) hangUp(client)
    return { lost }
  }

  #wake(topic: WakeTopic): void {
    for (const run of this.#listeners.get(topic) ?? []) queueMicrotask(run)
  }
}

interface Listening {
  /** Settles when the connection is gone. */
  readonly lost: Promise<void>
}

function hangUp(client: Client | undefined): void {
  client?.end().catch(() => undefined)
}
