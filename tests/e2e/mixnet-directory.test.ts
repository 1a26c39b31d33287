import { execFileSync } from 'node:child_process'
import { afterEach, expect, test } from 'vitest'
import type { MixnetView } from '@fog/contract'
import {
  DEFAULT_CLIENT_TIMES,
  DirectoryClient,
  type DirectoryRules,
  readRules,
  signedConsensusForm,
  uploadEpochAt,
} from '@fog/betanet/directory'
import { TestNode } from '@fog/betanet/testing'
import { systemClock } from '@fog/kernel/node'
import { scratchPostgres } from '../../apps/control-plane/src/db/server/scratch.ts'
import { eventually, FogProcesses } from '../support/fog-processes.ts'

/** Four seconds an epoch, of which the last goes to agreeing. */
const QUICK = { FOG_MIXNET_EPOCH_SECONDS: '4', FOG_MIXNET_ADMIT: 'anyone' }

let processes: FogProcesses | undefined
let cleanUp: (() => Promise<void>) | undefined
afterEach(async () => {
  await processes?.close()
  await cleanUp?.()
  processes = undefined
  cleanUp = undefined
})

test('a control plane killed again and again goes on with its chain of consensuses, and signs no epoch twice', async () => {
  processes = await FogProcesses.open()
  const first = await processes.controlPlane({ ...QUICK, FOG_HTTP_PORT: '0' })
  const port = new URL(first.url).port
  const rules = readRules((await rulesAt(first.url)).rules)
  // It watches all the time, and would cry out at two consensuses of one epoch or a chain that is broken.
  const client = new DirectoryClient({ clock: systemClock }, { ...rules, ...DEFAULT_CLIENT_TIMES })
  const seen = new Set<number>()
  let running = first
  for (let round = 0; round < 4; round++) {
    const before = seen.size
    await eventually(async () => {
      await publish(running.url, rules)
      const bytes = await newest(running.url)
      const taken = bytes && client.take(bytes)
      if (taken?.ok === false) throw new Error(`a client refuses what it was given: ${taken.reason}, ${taken.detail}`)
      if (taken) seen.add(taken.consensus.epoch)
      return seen.size > before ? true : undefined
    }, 'another consensus')
    await running.kill()
    running = await processes.controlPlane({ ...QUICK, FOG_HTTP_PORT: port })
    expect(readRules((await rulesAt(running.url)).rules)).toEqual(rules)
  }
  expect(seen.size).toBeGreaterThanOrEqual(4)
})

test('of two control planes on one database either takes descriptors, and the one that leads signs', async () => {
  processes = await FogProcesses.open()
  const server = await scratchPostgres({ binariesDir: '/usr/lib/postgresql/15/bin' })
  const fresh = await server.freshDatabase()
  cleanUp = async () => {
    await fresh.drop()
    await server.stop()
  }
  const { host, user, database, port } = fresh.connection
  const DATABASE_URL = `postgresql://${user}@/${database}?host=${encodeURIComponent(host)}&port=${port}`
  const FOG_MIXNET_KEYS_FILE = `${processes.dir}/authority.json`
  const settings = { ...QUICK, DATABASE_URL, FOG_MIXNET_KEYS_FILE }
  const one = await processes.controlPlane({ ...settings, FOG_DATA_DIR: `${processes.dir}/one` })
  const two = await processes.controlPlane({ ...settings, FOG_DATA_DIR: `${processes.dir}/two` })
  const rules = readRules((await rulesAt(one.url)).rules)
  expect(readRules((await rulesAt(two.url)).rules)).toEqual(rules)

  const listed = async (url: string) => {
    await publish(two.url, rules)
    const bytes = await newest(url)
    const nodes = bytes && signedConsensusForm.parse(bytes).consensus.nodes
    return nodes?.length === 1 ? true : undefined
  }
  await eventually(() => listed(one.url), 'the node in a consensus')
  expect(await newest(two.url)).toBeDefined()
  const epochOf = async () => signedConsensusForm.parse((await newest(two.url))!).consensus.epoch
  const before = await epochOf()
  await one.kill()
  await eventually(async () => ((await epochOf()) > before + 1 ? true : undefined), 'a consensus of the other one')
  expect(execFileSync('stat', ['-c', '%a', FOG_MIXNET_KEYS_FILE], { encoding: 'utf8' }).trim()).toBe('600')
})

async function rulesAt(url: string): Promise<MixnetView> {
  return (await (await fetch(`${url}/v1/mixnet`)).json()) as MixnetView
}

async function newest(url: string): Promise<Uint8Array | undefined> {
  const response = await fetch(`${url}/v1/mixnet/consensus`)
  const bytes = new Uint8Array(await response.arrayBuffer())
  return response.status === 200 ? bytes : undefined
}

/** A node's descriptor of the epoch whose uploads are open. */
async function publish(url: string, { network, schedule }: DirectoryRules): Promise<void> {
  const epoch = uploadEpochAt(schedule, systemClock.now())
  const body = new TestNode('lonely').bytes(epoch, undefined, { network })
  const response = await fetch(`${url}/v1/mixnet/descriptors`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(body),
  })
  await response.arrayBuffer()
}
