import { readFileSync } from 'node:fs'
import { enrolled } from '@fog/fog'
import { amount, newId, toHex } from '@fog/kernel'
import { sha256, systemClock, systemRng } from '@fog/kernel/node'
import { Ledger } from '@fog/tokenomics'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryBlobStore } from '../apps/control-plane/src/blobs/index.ts'
import { readConfig } from '../apps/control-plane/src/config.ts'
import { openPgDatabase } from '../apps/control-plane/src/db/pg-database.ts'
import { startPostgres } from '../apps/control-plane/src/db/server/index.ts'
import { placeJobs, Round } from '../apps/control-plane/src/flows/place-jobs.ts'
import { submitJob } from '../apps/control-plane/src/flows/submit-job.ts'
import { type Platform, SILENT_LOG } from '../apps/control-plane/src/platform.ts'
import type { Figure } from './figure.ts'

const NODES = 100
const TASKS = 10_000
const GIB = 1024 ** 3

/** Placements through the real flow: queue read and locked, planned, reserved, leased and told, all of it durable. */
export async function placementRate(): Promise<Figure[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'fog-bench-'))
  const server = await startPostgres({ dataDir })
  const database = await openPgDatabase({ address: server.connection })
  try {
    const platform: Platform = {
      database,
      blobs: new MemoryBlobStore(),
      clock: systemClock,
      rng: systemRng,
      config: readConfig({}),
      log: SILENT_LOG,
    }
    await prepare(platform)
    const round = new Round()
    const startedAt = performance.now()
    while ((await placeJobs(platform, round)).next === 'more');
    const seconds = (performance.now() - startedAt) / 1000
    const placed = (await database.read.nodes.list({ limit: 1000 })).reduce((sum, node) => sum + node.reservations, 0)
    if (placed !== TASKS) throw new Error(`only ${placed} of ${TASKS} tasks were placed`)
    const method = `${TASKS} tasks on ${NODES} nodes, in process, durable PostgreSQL`
    return [{ name: 'placements/s', value: placed / seconds, unit: '1/s', bar: { atLeast: 1000 }, method }]
  } finally {
    await database.close()
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

async function prepare(platform: Platform): Promise<void> {
  const { database, clock, rng } = platform
  const at = clock.now()
  const program = new Uint8Array(readFileSync(new URL('../packages/idle/fixtures/noop.wasm', import.meta.url)))
  const digest = toHex(sha256(program))
  const submitter = { accountId: newId('account', at, rng), userId: newId('user', at, rng) }
  await database.transact(async (tx) => {
    const ledger = new Ledger({ store: tx.ledger, clock })
    await ledger.openSystemAccounts()
    const { accountId, userId } = submitter
    await ledger.openAccount({ accountId, name: 'bench' })
    await tx.access.addUser({
      userId,
      name: 'bench',
      role: 'member',
      accountId,
      passwordHash: '',
      status: 'active',
      failedLogins: 0,
      createdAt: at,
    })
    await ledger.mint({
      accountId,
      amount: amount(10n ** 15n),
      transferId: newId('transfer', at, rng),
      reference: 'bench',
    })
    await tx.blobs.addSmall([{ digest, content: program, at }])
    await tx.blobs.grant([{ accountId, digest }])
    const gatewayId = newId('gateway', at, rng)
    for (let i = 0; i < NODES; i++) {
      const nodeId = newId('node', at, rng)
      await tx.nodes.add(
        enrolled({ nodeId, ownerId: accountId, name: `node ${i}`, publicKey: toHex(rng.bytes(32)), labels: {}, at }),
      )
      await tx.nodes.connect(nodeId, {
        gatewayId,
        reach: 'direct',
        device: { os: 'linux', arch: 'x64', cores: 128, memoryBytes: 64 * GIB, kinds: ['wasm'], agentVersion: 'bench' },
        capacity: { cpuMilli: 128_000, memoryBytes: 64 * GIB, diskBytes: 1000 * GIB },
        labels: {},
        harvest: { mode: 'run', reasons: [], cpuShare: 100, maxTasks: 1000 },
        at,
      })
    }
  })
  const tasks = Array.from({ length: TASKS }, (_, i) => ({ item: String(i) }))
  const resources = { wallSeconds: 5, memoryMiB: 32 }
  await submitJob(platform, submitter, {
    name: 'bench',
    program: { kind: 'wasm', digest },
    resources,
    verify: 'none',
    tasks,
  })
}
