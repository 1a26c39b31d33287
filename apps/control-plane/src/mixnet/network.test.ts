import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DEFAULT_PARAMETERS } from '@fog/betanet/directory'
import { ManualClock, seededRng, toBase64Url } from '@fog/kernel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MemoryBlobStore } from '../blobs/index.ts'
import { readConfig } from '../config.ts'
import { MemoryPlatformDatabase } from '../db/memory/memory-platform-database.ts'
import { type Platform, SILENT_LOG } from '../platform.ts'
import { identityOf, makeAuthorityKeys, readAuthorityKeys } from './authority-keys.ts'
import { findNetwork } from './network.ts'
import type { MixnetSettings } from './settings.ts'

let dir: string
let settings: MixnetSettings

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fog-mixnet-'))
  settings = readConfig({ FOG_DATA_DIR: dir }).mixnet!
})
afterEach(() => rm(dir, { recursive: true }))

function aPlatform(seed = 1, database = new MemoryPlatformDatabase()): Platform {
  const clock = new ManualClock()
  return {
    database,
    blobs: new MemoryBlobStore(),
    clock,
    rng: seededRng(seed),
    config: readConfig({}),
    log: SILENT_LOG,
  }
}

describe('alone', () => {
  test('keys are made at the first start, for nobody else to read, and kept', async () => {
    const platform = aPlatform()
    const first = await findNetwork(platform, settings)
    expect((await stat(settings.keysFile)).mode & 0o777).toBe(0o600)
    const again = await findNetwork(platform, settings)
    expect(again).toEqual(first)
    expect(again.keys).toBeDefined()
    expect(first.rules).toMatchObject({ threshold: 1, schedule: { epochMs: 1_200_000, closeMs: 300_000 } })
    expect(first.rules.schedule.genesisAt).toBe(platform.clock.now() + 600_000)
  })

  test('when the network began does not move with time', async () => {
    const platform = aPlatform()
    const first = await findNetwork(platform, settings)
    ;(platform.clock as ManualClock).advance(86_400_000)
    expect((await findNetwork(platform, settings)).rules).toEqual(first.rules)
  })

  test('another length of epochs is another network', async () => {
    const platform = aPlatform()
    const first = await findNetwork(platform, settings)
    const other = await findNetwork(platform, { ...settings, epochMs: 4_000 })
    expect(other.rules.network).not.toEqual(first.rules.network)
    expect((await findNetwork(platform, settings)).rules).toEqual(first.rules)
    const parameters = { ...DEFAULT_PARAMETERS, clientSendMeanMs: 0 }
    expect((await findNetwork(platform, { ...settings, parameters })).rules.network).toEqual(first.rules.network)
  })

  test('a second control plane on the database serves the same network, and signs only with the same keys', async () => {
    const database = new MemoryPlatformDatabase()
    const first = await findNetwork(aPlatform(1, database), settings)
    const elsewhere = { ...settings, keysFile: join(dir, 'elsewhere', 'authority.json') }
    const second = await findNetwork(aPlatform(2, database), elsewhere)
    expect(second).toEqual({ ...first, keys: undefined })
    await makeAuthorityKeys(elsewhere.keysFile, seededRng(9))
    expect((await findNetwork(aPlatform(2, database), elsewhere)).keys).toBeUndefined()
    await writeFile(elsewhere.keysFile, await readFile(settings.keysFile))
    expect(await findNetwork(aPlatform(2, database), elsewhere)).toEqual(first)
  })

  test('keys that others may read, or that are none, are refused', async () => {
    await findNetwork(aPlatform(), settings)
    await chmod(settings.keysFile, 0o644)
    await expect(readAuthorityKeys(settings.keysFile)).rejects.toThrow('others may read the file')
    await chmod(settings.keysFile, 0o600)
    for (const text of ['', 'null', '{}', '{"signingSeed":"AA","vrfSeed":"AA"}', '{"signingSeed":7}']) {
      await writeFile(settings.keysFile, text)
      await expect(readAuthorityKeys(settings.keysFile)).rejects.toThrow('it does not hold two seeds')
    }
  })
})

describe('several', () => {
  const path = () => join(dir, 'authorities.json')
  const others = [1, 2].map(async (seed) => {
    const folder = await mkdtemp(join(tmpdir(), 'fog-mixnet-'))
    const identity = identityOf(await makeAuthorityKeys(join(folder, 'keys.json'), seededRng(seed)))
    await rm(folder, { recursive: true })
    return written(identity, `https://fog-${seed}.example/`)
  })
  const good = async () => {
    const own = identityOf(await makeAuthorityKeys(settings.keysFile, seededRng(7)))
    const authorities = [written(own, 'https://own.example'), ...(await Promise.all(others))]
    return { threshold: 2, genesis: '2026-01-01T00:00:00Z', epochSeconds: 60, authorities }
  }
  const find = async (file: unknown) => {
    await writeFile(path(), typeof file === 'string' ? file : JSON.stringify(file))
    return findNetwork(aPlatform(), { ...settings, authoritiesFile: path() })
  }

  test('are named by a file that all of them share, and so is their network', async () => {
    const file = await good()
    const network = await find(file)
    expect(network.keys).toBeDefined()
    expect(network.rules).toMatchObject({
      threshold: 2,
      schedule: { epochMs: 60_000, closeMs: 15_000, roundMs: 1_500 },
    })
    expect(network.peers.map(({ url }) => url)).toEqual(['https://fog-1.example', 'https://fog-2.example'])
    const moved = await find({ ...file, threshold: 3 })
    expect(moved.rules.network).not.toEqual(network.rules.network)
    expect((await find(file)).rules.network).toEqual(network.rules.network)
  })

  test('one that is not in the file signs nothing', async () => {
    const file = await good()
    const network = await find({ ...file, authorities: file.authorities.slice(1) })
    expect(network.keys).toBeUndefined()
  })

  test('a file that nobody can follow is refused with its reason', async () => {
    const file = await good()
    const [own] = file.authorities
    const refusals: [unknown, string][] = [
      ['{', 'JSON'],
      ['null', 'authorities is not a list'],
      [{ ...file, authorities: [] }, 'authorities is not a list'],
      [{ ...file, authorities: [{ ...own, signingKey: 'AA' }] }, 'authorities is not a list'],
      [{ ...file, authorities: [{ ...own, url: 'file:///etc/passwd' }] }, 'authorities is not a list'],
      [{ ...file, authorities: [own, own] }, 'authorities are distinct'],
      [{ ...file, threshold: 1 }, 'more than half'],
      [{ ...file, threshold: '2' }, 'threshold is not'],
      [{ ...file, epochSeconds: 0.5 }, 'epochSeconds is not'],
      [{ ...file, genesis: 'soon' }, 'genesis is not'],
    ]
    for (const [given, why] of refusals) await expect(find(given)).rejects.toThrow(why)
    const missing = { ...settings, authoritiesFile: join(dir, 'nowhere') }
    await expect(findNetwork(aPlatform(), missing)).rejects.toThrow('ENOENT')
  })
})

function written({ signingKey, vrfKey }: ReturnType<typeof identityOf>, url: string) {
  return { signingKey: toBase64Url(signingKey), vrfKey: toBase64Url(vrfKey), url }
}
