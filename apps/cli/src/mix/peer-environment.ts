import { join } from 'node:path'
import type { Config } from '../config.ts'
import { readIfThere } from '../files.ts'
import type { Environment } from '../up/child.ts'

interface Asking {
  readonly config: Config
  note(text: string): Promise<void>
}

/**
 * What a program that goes through the mixnet is started with: it asks the directory at `url`, and its folder is the peer's. Says
 * when the network is met for the first time.
 */
export async function peerEnvironment(it: Asking, url: string): Promise<Environment> {
  const { environment, dataDir, mixPeerDir = join(dataDir, 'mix-peer') } = it.config
  // The program's own log is for who runs a node; here its faults are shown as any others.
  const logLevel = environment['FOG_LOG_LEVEL'] ?? 'silent'
  const pins = ['network.json', join('tunnel', 'network.json')].map((file) => readIfThere(join(mixPeerDir, file)))
  if ((await Promise.all(pins)).every((pin) => pin === undefined))
    await it.note('The network met now is pinned: `fog mix audit` shows its fingerprint.')
  return { ...environment, FOG_DATA_DIR: dataDir, FOG_LOG_LEVEL: logLevel, FOG_MIX_URL: url }
}
