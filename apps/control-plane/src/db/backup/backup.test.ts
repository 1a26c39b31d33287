import { createReadStream } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { amount, ManualClock, newId, seededRng, toHex, utf8 } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import { Fixtures } from '@fog/scheduler/testing'
import { Ledger } from '@fog/tokenomics'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { FolderBlobStore } from '../../blobs/index.ts'
import { openPgDatabase } from '../pg-database.ts'
import { scratchPostgres } from '../server/scratch.ts'
import { MadeUp } from '../testing/made-up.ts'
import { scratchDatabases } from '../testing/scratch-database.ts'
import { TABLES_IN_ORDER } from './archive.ts'
import { makeBackup, restoreBackup } from './index.ts'
import type { FogEvent } from '../../ports.ts'
import type { PgDatabase } from '../pg-database.ts'
import type { FreshDatabase, ScratchPostgres } from '../server/scratch.ts'
import type { ScratchDatabase, ScratchDatabases } from '../testing/scratch-database.ts'

let scratch: ScratchDatabases
let elsewhere: ScratchPostgres
let source: ScratchDatabase
let target: FreshDatabase
let folder: string
let file: string
const clock = new ManualClock()

beforeAll(async () => {
  scratch = await scratchDatabases()
  elsewhere = await scratchPostgres()
})
afterAll(async () => {
  await scratch.stop()
  await elsewhere.stop()
})
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fog-backup-'))
  file = path.join(folder, 'fog.tar.zst')
  source = await scratch.open()
  target = await elsewhere.freshDatabase()
})
afterEach(async () => {
  await source.close()
  await target.drop()
  await rm(folder, { recursive: true })
})

const blobsOf = (name: string) => FolderBlobStore.open(path.join(folder, name))
const backUp = async () => makeBackup({ address: source.connection, blobs: await blobsOf('source'), clock }, { file })
const restore = async (from = file) =>
  restoreBackup({ address: target.connection, blobs: await blobsOf('target') }, from)

const place = (name: string) => (TABLES_IN_ORDER as readonly string[]).indexOf(name)

async function* once(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield content
}

/** A little of everything, with texts that would trip a careless export. */
async function live(database: PgDatabase): Promise<{ accountId: ReturnType<Fixtures['job']>['job']['accountId'] }> {
  const [some, made, rng] = [new MadeUp(), new Fixtures(), seededRng(9)]
  const user = some.user({ name: 'ann' })
  const { job, tasks } = made.job({ accountId: user.accountId }, [{ item: 'tab\there \\N \\. "q"\r\nnew' }, {}])
  const large = await (await blobsOf('source')).put(once(rng.bytes(200_000)), 1e6)
  await database.transact(async (tx) => {
    const ledger = new Ledger({ store: tx.ledger, clock })
    await ledger.openSystemAccounts()
    await ledger.openAccount({ accountId: user.accountId, name: 'ann' })
    const [transferId, holdId] = [newId('transfer', 1, rng), job.holdId]
    await ledger.mint({ accountId: user.accountId, transferId, amount: amount(10n ** 20n), reference: 'first' })
    await ledger.hold({ holdId, accountId: user.accountId, amount: amount(5n), reference: 'job' })
    await tx.access.addUser(user)
    await tx.access.addSession(some.session(user.userId, { usedHashes: ['a', 'b,"c"', ''] }))
    await tx.access.audit({ at: 1, actor: 'system', action: 'a', subject: 's', address: '', facts: { n: 1 } })
    await tx.access.keep('signing-key', 'secret')
    await tx.jobs.addJob(job, tasks)
    await tx.jobs.addAttempts([made.attempt(tasks[0]!, { status: 'reported', report: made.report() })])
    await tx.blobs.add([{ digest: large.digest, size: large.size, at: 1 }])
    await tx.blobs.addSmall([{ digest: toHex(sha256(utf8('x'))), content: Uint8Array.from([0, 10, 92, 255]), at: 1 }])
    await tx.blobs.grant([{ accountId: user.accountId, digest: large.digest }])
    await tx.events.append([some.event({ type: 'first' })])
    const line = { taskId: tasks[0]!.taskId, attemptId: some.id('attempt'), sequence: 0 }
    await tx.logs.append([some.chunk({ ...line, text: '\t\\\r\n\u0001 größe' })])
  })
  return user
}

async function everything(connection: ScratchDatabase['connection']): Promise<Record<string, unknown[]>> {
  const client = new Client(connection)
  await client.connect()
  const tables: Record<string, unknown[]> = {}
  for (const table of TABLES_IN_ORDER.filter((name) => name !== 'feed_origin')) {
    tables[table] = (await client.query(`SELECT * FROM ${table} ORDER BY ${table}::text`)).rows
  }
  await client.end()
  return tables
}

describe('a backup', () => {
  test('brings every row and every content back, into another server', async () => {
    const { accountId } = await live(source.database)
    const summary = await backUp()
    expect(summary).toMatchObject({ file, contents: 1 })
    expect(summary.bytes).toBe((await stat(file)).size)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).not.toContain('fog.tar.zst.unfinished')

    expect(await restore()).toMatchObject({ rows: summary.rows, contents: 1 })
    expect(await everything(target.connection)).toEqual(await everything(source.connection))
    const { digest } = (await everything(target.connection))['blob_grants']![0] as { digest: string }
    const kept = await (await blobsOf('target')).open(digest)
    const chunks: Buffer[] = []
    for await (const chunk of kept!.stream) chunks.push(chunk as Buffer)
    expect(toHex(sha256(...chunks))).toBe(digest)
    expect(accountId).toBeDefined()
  })

  test('goes on where it was: numbers and places in the feed are not given out twice', async () => {
    const { accountId } = await live(source.database)
    const before = await source.database.read.events.read(undefined, 10)
    await backUp()
    await restore()
    const database = await openPgDatabase({ address: target.connection })
    const event: FogEvent = { type: 'after', at: 2, data: {} }
    const rng = seededRng(77)
    await database.transact(async (tx) => {
      await tx.events.append([event])
      const ledger = new Ledger({ store: tx.ledger, clock })
      const order = { transferId: newId('transfer', 5, rng), amount: amount(1n), reference: 'again' }
      await ledger.mint({ accountId, ...order })
      expect((await ledger.audit()).broken).toEqual([])
    })
    expect(await database.read.events.read(before.at(-1)!.cursor, 10)).toMatchObject([event])
    const [newest] = await database.read.ledger.listTransfers({ limit: 1 })
    expect(newest?.reference).toBe('again')
    await database.close()
  })

  test('is of one moment while the platform goes on', async () => {
    const { accountId } = await live(source.database)
    const rng = seededRng(78)
    const enough = new AbortController()
    const pay = async () => {
      while (!enough.signal.aborted) {
        const order = { transferId: newId('transfer', 5, rng), amount: amount(1n), reference: 'on' }
        await source.database.transact((tx) => new Ledger({ store: tx.ledger, clock }).mint({ accountId, ...order }))
      }
    }
    const paid = Promise.all([pay(), pay()])
    await backUp()
    enough.abort()
    await paid
    // The restore audits the books: a transfer without its postings would be found.
    await expect(restore()).resolves.toMatchObject({ contents: 1 })
  })

  test('is not written over a file that is there', async () => {
    await writeFile(file, 'mine')
    await expect(backUp()).rejects.toMatchObject({ code: 'backup.file_exists' })
    expect(await readFile(file, 'utf8')).toBe('mine')
  })

  test('of a database without a fog is not made', async () => {
    const backup = makeBackup({ address: target.connection, blobs: await blobsOf('source'), clock }, { file })
    await expect(backup).rejects.toMatchObject({ code: 'backup.nothing_there' })
  })

  test('that lacks content is not made', async () => {
    await source.database.transact((tx) => tx.blobs.add([{ digest: 'ab'.repeat(32), size: 3, at: 1 }]))
    await expect(backUp()).rejects.toMatchObject({ code: 'backup.content_missing' })
    expect((await readdir(folder)).filter((name) => name.startsWith('fog.tar'))).toEqual([])
  })

  test('leaves out state that a task let go of meanwhile: its task begins anew', async () => {
    const some = new MadeUp()
    const [attemptId, taskId, digest] = [some.id('attempt'), some.id('task'), some.hash()]
    const kept = { as: some.hash() }
    await source.database.transact((tx) => tx.checkpoints.addFile({ attemptId, taskId, digest, size: 9, kept, at: 1 }))
    expect(await backUp()).toMatchObject({ contents: 0 })
    expect(await restore()).toMatchObject({ contents: 0 })
  })

  test('names every table of the schema, each after those it refers to', async () => {
    const client = new Client(source.connection)
    await client.connect()
    const { rows } = await client.query<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`,
    )
    const references = await client.query<{ from: string; to: string }>(
      `SELECT conrelid::regclass::text AS from, confrelid::regclass::text AS to FROM pg_constraint WHERE contype = 'f'`,
    )
    await client.end()
    const names = rows.map((row) => row.name).filter((name) => name !== 'schema_migrations')
    expect([...TABLES_IN_ORDER].sort()).toEqual(names.sort())
    for (const { from, to } of references.rows) expect(place(to)).toBeLessThan(place(from))
  })
})

describe('a restore', () => {
  test('into a database that has the schema but was not used works', async () => {
    await live(source.database)
    await backUp()
    await (await openPgDatabase({ address: target.connection })).close()
    await expect(restore()).resolves.toBeDefined()
  })

  test('into a database that is in use is refused', async () => {
    await backUp()
    const database = await openPgDatabase({ address: target.connection })
    await database.transact((tx) => tx.access.keep('signing-key', 'other'))
    await database.close()
    await expect(restore()).rejects.toMatchObject({
      code: 'backup.target_not_empty',
      facts: { table: 'kept_facts' },
    })
  })

  test('of a file that was cut off, changed or is something else changes nothing', async () => {
    await live(source.database)
    await backUp()
    const whole = await readFile(file)
    const flipped = Buffer.from(whole)
    flipped[Math.floor(whole.length / 2)]! ^= 1
    const bad: [string, Buffer, RegExp][] = [
      ['cut', whole.subarray(0, whole.length - 200), /backup\.(damaged|not_a_backup)/],
      ['short', whole.subarray(0, 30), /backup\.(damaged|not_a_backup)/],
      ['flipped', flipped, /backup\.(damaged|not_a_backup)/],
      ['other', Buffer.from('hello'), /backup\.not_a_backup/],
      ['empty', Buffer.alloc(0), /backup\.not_a_backup/],
    ]
    for (const [name, content, code] of bad) {
      await writeFile(path.join(folder, name), content)
      await expect(restore(path.join(folder, name))).rejects.toMatchObject({ code: expect.stringMatching(code) })
    }
    await expect(restore()).resolves.toBeDefined()
  })

  test('reads no further than a stream it can trust: a changed row is found by its hash', async () => {
    await live(source.database)
    await backUp()
    const { createZstdDecompress, zstdCompressSync } = await import('node:zlib')
    const parts: Buffer[] = []
    for await (const chunk of createReadStream(file).pipe(createZstdDecompress())) parts.push(chunk as Buffer)
    const tar = Buffer.concat(parts)
    const at = tar.indexOf('$argon2id$')
    tar.write('$argon2ix$', at)
    await writeFile(path.join(folder, 'forged'), zstdCompressSync(tar))
    await expect(restore(path.join(folder, 'forged'))).rejects.toMatchObject({
      code: 'backup.damaged',
      facts: { what: 'table users is not what it was' },
    })
    const client = new Client(target.connection)
    await client.connect()
    expect((await client.query(`SELECT to_regclass('users') AS users`)).rows).toEqual([{ users: null }])
    await client.end()
  })
})
