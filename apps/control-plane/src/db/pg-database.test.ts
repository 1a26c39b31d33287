import { isFogError } from '@fog/kernel'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { newId, seededRng } from '@fog/kernel'
import { Fixtures } from '@fog/scheduler/testing'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { EventCursor } from '../ports.ts'
import { MIGRATIONS } from './migrations/index.ts'
import { migrate } from './migrate.ts'
import { openPgDatabase, PgDatabase } from './pg-database.ts'
import { PgLeadership } from './pg-leader.ts'
import { scratchPostgres } from './server/scratch.ts'
import { startPostgres } from './server/index.ts'
import { CuttingProxy } from './testing/cutting-proxy.ts'
import { MadeUp } from './testing/made-up.ts'
import { scratchDatabases } from './testing/scratch-database.ts'
import type { ScratchDatabase, ScratchDatabases } from './testing/scratch-database.ts'

const WAIT = { timeout: 15_000, interval: 10 }

let scratch: ScratchDatabases
let opened: { close(): Promise<unknown> }[]
let some: MadeUp

beforeAll(async () => {
  scratch = await scratchDatabases()
})
afterAll(() => scratch.stop())
beforeEach(() => {
  opened = []
  some = new MadeUp()
})
afterEach(async () => {
  for (const each of opened.reverse()) await each.close()
})

async function open(): Promise<ScratchDatabase> {
  const each = await scratch.open()
  opened.push(each)
  return each
}

async function client({ connection }: Pick<ScratchDatabase, 'connection'>): Promise<Client> {
  const made = new Client(connection)
  made.on('error', () => undefined)
  await made.connect()
  opened.push({ close: () => made.end() })
  return made
}

/** A promise and what settles it. */
function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { passed: promise, open: () => resolve() }
}

describe('a transaction', () => {
  test('that deadlocks with another is run again', async () => {
    const { database } = await open()
    const users = [some.user(), some.user()]
    for (const user of users) await database.transact((tx) => tx.access.addUser(user))
    const both = [gate(), gate()]
    let runs = 0
    const lockInOrder = (mine: number) =>
      database.transact(async ({ access }) => {
        runs += 1
        await access.findUserForUpdate(users[mine]!.userId)
        both[mine]!.open()
        await both[1 - mine]!.passed
        const other = await access.findUserForUpdate(users[1 - mine]!.userId)
        await access.saveUser({ ...other!, failedLogins: other!.failedLogins + 1 })
      })
    await Promise.all([lockInOrder(0), lockInOrder(1)])
    expect(runs).toBe(3)
    const after = await Promise.all(users.map((user) => database.read.access.findUser(user.userId)))
    expect(after.map((user) => user?.failedLogins)).toEqual([1, 1])
  })

  test('whose connection is lost before the commit is run again, and counts once', async () => {
    const scratchDatabase = await open()
    const { database } = scratchDatabase
    const killer = await client(scratchDatabase)
    const user = some.user()
    let runs = 0
    await database.transact(async ({ access }) => {
      runs += 1
      await access.addUser(user)
      const others = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction'`
      if (runs === 1) await killer.query(others)
      expect(await access.countUsers()).toBe(1)
    })
    expect(runs).toBe(2)
    expect(await database.read.access.countUsers()).toBe(1)
  })

  test('that goes on after a failed statement is not taken for committed', async () => {
    const { database } = await open()
    const session = some.session(some.id('user'))
    const work = database.transact(async ({ access }) => {
      await access.addUser(some.user())
      await access.addSession(session).catch(() => undefined)
    })
    await expect(work).rejects.toThrow('current transaction is aborted')
    expect(await database.read.access.countUsers()).toBe(0)
  })

  test('keeps texts with characters the database cannot hold', async () => {
    const { database } = await open()
    const made = new Fixtures()
    const { job, tasks } = made.job({}, [{ item: 'a\0b \ud800 {"x"}, NULL' }])
    await database.transact((tx) => tx.jobs.addJob(job, tasks))
    const found = await database.read.jobs.findTask(tasks[0]!.taskId)
    expect(found?.task.item).toBe('a\ufffdb \ufffd {"x"}, NULL')
  })
})

describe('a connection lost at the commit', () => {
  let folder: string
  let proxy: CuttingProxy
  let behind: ScratchDatabase
  let database: PgDatabase

  beforeEach(async () => {
    behind = await open()
    folder = await mkdtemp(path.join(tmpdir(), 'fog-proxy-'))
    proxy = await CuttingProxy.open(folder, behind.connection)
    database = await PgDatabase.connect({ address: proxy.connection, limits: { reconnectMs: 1_000 } })
  })
  afterEach(async () => {
    proxy.dead = false
    await database.close()
    await proxy.close()
    await rm(folder, { recursive: true })
  })

  async function addOne(): Promise<number> {
    let runs = 0
    await database.transact(async ({ access }) => {
      runs += 1
      await access.addUser(some.user())
    })
    return runs
  }

  test('is found to have committed, and the work is not run again', async () => {
    proxy.fate = 'cut_after'
    expect(await addOne()).toBe(1)
    expect(await behind.database.read.access.countUsers()).toBe(1)
  })

  test('is found to have done nothing, and the work is run again', async () => {
    proxy.fate = 'cut_before'
    expect(await addOne()).toBe(2)
    expect(await behind.database.read.access.countUsers()).toBe(1)
  })

  test('is an unknown outcome when the database cannot be asked', async () => {
    proxy.fate = 'cut_after'
    proxy.onCut = () => (proxy.dead = true)
    await expect(addOne()).rejects.toMatchObject({ code: 'database.outcome_unknown' })
    expect(await behind.database.read.access.countUsers()).toBe(1)
  })

  test('of a transaction that only read is no loss', async () => {
    proxy.fate = 'cut_after'
    expect(await database.transact((tx) => tx.access.countUsers())).toBe(0)
  })
})

test('a server killed under many transactions loses none it acknowledged and repeats none', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'fog-killed-'))
  const server = await startPostgres({ dataDir })
  const database = await openPgDatabase({ address: server.connection, limits: { reconnectMs: 60_000 } })
  opened.push({
    close: async () => {
      await database.close()
      await server.stop()
      await rm(dataDir, { recursive: true })
    },
  })
  let [acknowledged, unknown] = [0, 0]
  const write = async () => {
    for (let i = 0; i < 40; i += 1) {
      try {
        await database.transact((tx) => tx.access.addUser(some.user()))
      } catch (fault) {
        if (!isFogError(fault) || fault.code !== 'database.outcome_unknown') throw fault
        unknown += 1
        continue
      }
      acknowledged += 1
      if (acknowledged === 60 || acknowledged === 180) process.kill(server.pid()!, 'SIGKILL')
    }
  }
  await Promise.all(Array.from({ length: 8 }, write))
  expect(acknowledged + unknown).toBe(320)
  const kept = await database.read.access.countUsers()
  expect(kept).toBeGreaterThanOrEqual(acknowledged)
  expect(kept).toBeLessThanOrEqual(320)
}, 60_000)

describe('the event log', () => {
  test('shows nothing behind a transaction that is still open, and misses nothing when it commits late', async () => {
    const { database } = await open()
    const [appended, mayCommit] = [gate(), gate()]
    const late = database.transact(async (tx) => {
      await tx.events.append([some.event({ type: 'late' })])
      appended.open()
      await mayCommit.passed
    })
    await appended.passed
    await database.transact((tx) => tx.events.append([some.event({ type: 'quick' })]))
    const head = await database.read.events.head()
    expect(await database.read.events.read(undefined, 10)).toEqual([])
    mayCommit.open()
    await late
    const types = async (after?: EventCursor) => (await database.read.events.read(after, 10)).map(({ type }) => type)
    expect(await types()).toEqual(['late', 'quick'])
    expect(await types(head)).toEqual(['late', 'quick'])
  })
})

describe('wake-ups', () => {
  test('reach every control plane, also after their connection was lost', async () => {
    const here = await open()
    const there = await PgDatabase.connect({ address: here.connection })
    opened.push(there)
    const killer = await client(here)
    let heard = 0
    there.onWake('place', () => (heard += 1))
    await here.database.transact(async (tx) => tx.wake('place'))
    await expect.poll(() => heard, WAIT).toBe(1)

    await killer.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`)
    // Whoever was cut off is woken once it is back: something may have gone past it.
    await expect.poll(() => heard, WAIT).toBeGreaterThanOrEqual(2)
    const before = heard
    await expect
      .poll(async () => {
        await here.database.transact(async (tx) => tx.wake('place'))
        return heard
      }, WAIT)
      .toBeGreaterThan(before)
  })
})

describe('leadership', () => {
  test('is one at a time, and passes on when it is resigned', async () => {
    const made = await open()
    const { connection } = made
    const sql = await client(made)
    const never = new AbortController().signal
    const [one, two] = [new PgLeadership({ address: connection }), new PgLeadership({ address: connection })]
    const first = await one.lead(never)
    const next = two.lead(never)
    const inLine = () => sql.query(`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`)
    await expect.poll(async () => (await inLine()).rowCount, WAIT).toBe(1)
    expect(first.signal.aborted).toBe(false)
    await first.resign()
    const second = await next
    expect(first.signal.aborted).toBe(true)
    expect(second.epoch).toBe(first.epoch + 1)
    expect(second.signal.aborted).toBe(false)
    await second.resign()
  })

  test('ends with its connection, and the next in line leads with a higher epoch', async () => {
    const made = await open()
    const killer = await client(made)
    const never = new AbortController().signal
    const first = await new PgLeadership({ address: made.connection }).lead(never)
    const next = new PgLeadership({ address: made.connection }).lead(never)
    const lost = new Promise((resolve) => first.signal.addEventListener('abort', resolve))
    await killer.query(`SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted`)
    await lost
    const term = await next
    expect(term.epoch).toBeGreaterThan(first.epoch)
    await term.resign()
  })

  test('is no longer waited for once the wait is aborted', async () => {
    const { connection } = await open()
    const leader = await new PgLeadership({ address: connection }).lead(new AbortController().signal)
    const waiting = new AbortController()
    const wait = new PgLeadership({ address: connection }).lead(waiting.signal)
    waiting.abort()
    await expect(wait).rejects.toThrow('abort')
    await leader.resign()
  })
})

describe('the schema', () => {
  test('is brought up to date by any number of control planes that start at once', async () => {
    const server = await scratchPostgres()
    opened.push({ close: () => server.stop() })
    const { connection } = await server.freshDatabase()
    const databases = await Promise.all([1, 2, 3].map(() => openPgDatabase({ address: connection })))
    opened.push(...databases)
    await databases[2]!.transact((tx) => tx.access.addUser(some.user()))
    expect(await databases[0]!.read.access.countUsers()).toBe(1)
  })

  test('is refused when it is newer than this code, or not what this code made', async () => {
    const made = await open()
    const admin = await client(made)
    const next = { number: MIGRATIONS.length + 1, name: 'next', sql: 'CREATE TABLE next (n int)' }
    expect(await migrate(admin, [...MIGRATIONS, next])).toEqual([next.number])
    await expect(migrate(admin)).rejects.toMatchObject({
      code: 'database.newer_than_code',
      facts: { found: next.number, known: MIGRATIONS.length },
    })
    const changed = [...MIGRATIONS, { ...next, sql: 'CREATE TABLE next (n bigint)' }]
    await expect(migrate(admin, changed)).rejects.toMatchObject({ code: 'database.migration_changed' })
  })

  test('stays as it was when a step fails', async () => {
    const made = await open()
    const admin = await client(made)
    const broken = { number: 99, name: 'broken', sql: 'CREATE TABLE half (n int); SELECT no_such_function()' }
    await expect(migrate(admin, [...MIGRATIONS, broken])).rejects.toMatchObject({
      code: 'database.migration_failed',
      message: expect.stringContaining('no_such_function'),
    })
    expect((await admin.query(`SELECT to_regclass('half') AS half`)).rows).toEqual([{ half: null }])
    expect(await migrate(admin)).toEqual([])
  })

  test('of a database that does not answer is a clear error', async () => {
    const address = { host: path.join(tmpdir(), 'no-such-folder'), port: 5432, user: 'fog', database: 'fog' }
    await expect(openPgDatabase({ address })).rejects.toMatchObject({ code: 'database.unreachable' })
  })
})

describe('the database itself', () => {
  const ids = seededRng(3)
  const account = () => newId('account', 1, ids)

  test('refuses money that would be made, lost or owed, whatever the code does', async () => {
    const made = await open()
    const sql = await client(made)
    const [a, b] = [account(), account()]
    await sql.query(`INSERT INTO accounts VALUES ('${a}', 'user', 'a', 0, 1), ('${b}', 'user', 'b', 0, 1)`)
    const post = (...amounts: number[]) =>
      sql.query(`WITH t AS (INSERT INTO transfers (transfer_id, kind, reference, at)
        VALUES ('${newId('transfer', 1, ids)}', 'transfer', '', 1) RETURNING sequence)
        INSERT INTO postings SELECT sequence, place, account, amount FROM t,
        (VALUES (0, '${a}', ${amounts[0]}), (1, '${b}', ${amounts[1]})) AS v (place, account, amount)`)
    await expect(post(-5, 6)).rejects.toThrow('sum to zero')
    await post(-5, 5)
    await expect(sql.query('UPDATE postings SET amount = amount * 2')).rejects.toThrow('written once')
    await expect(sql.query('DELETE FROM transfers')).rejects.toThrow('written once')
    await expect(sql.query('TRUNCATE postings')).rejects.toThrow('written once')
    await expect(sql.query(`UPDATE accounts SET balance = -1 WHERE account_id = '${a}'`)).rejects.toThrow(
      'only_mint_owes',
    )
  })
})
