import { mkdir, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { HOME_GATEWAYS } from '@fog/betanet'
import type { Consensus, ConsensusNode } from '@fog/betanet/directory'
import { BetaNetTransport } from '@fog/betanet/node'
import { buildPacket, type PathHop, suites } from '@fog/betanet/sphinx'
import { type DhKeyPair, toBase64Url, toHex } from '@fog/kernel'
import { monotonicMs, noiseSuite, systemClock, systemRng } from '@fog/kernel/node'
import { peerIdOf } from '@fog/p2p'
import { identityOf, makeAuthorityKeys } from '../../apps/control-plane/src/mixnet/authority-keys.ts'
import { PeerNetwork } from '../../apps/worker/src/mix/peer/peer-network.ts'
import type { MixStatusView } from '../../apps/worker/src/mix/status-view.ts'
import { type Environment, eventually, type FogProcesses, message, type Running } from './fog-processes.ts'

export const noise = noiseSuite()
export const suite = suites.betanetKemX25519

/** A mix node that can be asked how it stands. */
export interface WatchedMix extends Running {
  readonly name: string
  readonly nodeId: string
  readonly ports: readonly number[]
  status(): Promise<MixStatusView>
}

/** Starts a mix node and waits until it listens. */
export async function startWatchedMix(
  processes: FogProcesses,
  url: string,
  name: string,
  environment: Environment = {},
): Promise<WatchedMix> {
  const running = processes.mix(url, name, environment)
  const started = (await message(running, 'started')) as Pick<WatchedMix, 'nodeId' | 'ports'> & { admin: string }
  const status = async () => JSON.parse(await askAdmin(started.admin, '/status')) as MixStatusView
  return Object.assign(running, { name, nodeId: started.nodeId, ports: started.ports, status })
}

/** What a node's operator is told under a path. */
export async function askAdmin(admin: string, path: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const asked = request({ socketPath: admin.replace(/^unix:/, ''), path }, (response) => {
    let text = ''
    response.on('data', (part) => (text += String(part)))
    response.on('end', () => resolve(text))
  })
  asked.on('error', reject).end()
  return promise
}

/** Where one of several authorities listens, and the settings it starts with. */
export interface AuthorityPlace {
  readonly port: number
  readonly settings: Environment
}

export interface AuthoritiesPlan {
  readonly count: number
  readonly threshold: number
  readonly epochSeconds: number
  /** From now to the first epoch. */
  readonly startsInMs: number
}

/** Keys of several authorities and the file that names them all, as operators who agreed on it would have. */
export async function agreeOnAuthorities(
  dir: string,
  { count, threshold, epochSeconds, startsInMs }: AuthoritiesPlan,
): Promise<readonly AuthorityPlace[]> {
  const file = join(dir, 'authorities.json')
  const places: AuthorityPlace[] = []
  const authorities: object[] = []
  for (let i = 0; i < count; i++) {
    const dataDir = join(dir, `authority-${i}`)
    const keysFile = join(dataDir, 'authority.json')
    await mkdir(dataDir, { recursive: true })
    const { signingKey, vrfKey } = identityOf(await makeAuthorityKeys(keysFile, systemRng))
    const port = await freePort()
    const keys = { signingKey: toBase64Url(signingKey), vrfKey: toBase64Url(vrfKey) }
    authorities.push({ ...keys, url: `http://127.0.0.1:${port}` })
    const settings = {
      FOG_DATA_DIR: dataDir,
      FOG_HTTP_PORT: String(port),
      FOG_MIXNET_KEYS_FILE: keysFile,
      FOG_MIXNET_AUTHORITIES: file,
    }
    places.push({ port, settings })
  }
  const genesis = new Date(systemClock.now() + startsInMs).toISOString()
  await writeFile(file, JSON.stringify({ threshold, genesis, epochSeconds, authorities }))
  return places
}

/** A port nobody listens on at the moment. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address !== 'object' || !address) throw new Error('a listening server has an address')
  return address.port
}

/** Peers of a network of real processes: they follow its consensuses over HTTP, as any client does. */
export class MixPeers {
  readonly network: PeerNetwork
  readonly #stopping: AbortController
  readonly #transports: BetaNetTransport[] = []

  private constructor(network: PeerNetwork, stopping: AbortController) {
    this.network = network
    this.#stopping = stopping
  }

  static async open(urls: readonly string[], folder: string): Promise<MixPeers> {
    await mkdir(folder, { recursive: true })
    const stopping = new AbortController()
    const network = await PeerNetwork.open(
      { urls, folder, network: undefined, logLevel: 'silent' },
      { clock: systemClock, rng: systemRng, signal: stopping.signal, tell: () => undefined },
    )
    void network.follow()
    return new MixPeers(network, stopping)
  }

  /** The consensus in force, once it fits. */
  consensus(fits: (consensus: Consensus) => boolean, withinMs?: number): Promise<Consensus> {
    return eventually(
      () => {
        const consensus = this.network.directory.current()
        return consensus && fits(consensus) ? consensus : undefined
      },
      'a consensus that fits',
      withinMs,
    )
  }

  /** A peer with links to both of its gateways: what comes for one that was never there is not kept. */
  async come(keys: DhKeyPair = noise.makeKeyPair()): Promise<MixPeer> {
    const { directory } = this.network
    const needs = { keys, directory, noise, clock: systemClock, rng: systemRng, now: monotonicMs }
    const transport = new BetaNetTransport(needs)
    this.#transports.push(transport)
    transport.start()
    this.network.onChanged(() => transport.refresh())
    await eventually(() => transport.status().gateways.length === HOME_GATEWAYS || undefined, 'links to its gateways')
    return new MixPeer(transport, keys)
  }

  stop(): void {
    this.#stopping.abort()
    for (const transport of this.#transports) transport.stop()
  }
}

/** One of them, and what it was sent. */
export class MixPeer {
  readonly keys: DhKeyPair
  readonly transport: BetaNetTransport
  readonly #texts: string[] = []

  constructor(transport: BetaNetTransport, keys: DhKeyPair) {
    this.keys = keys
    this.transport = transport
    transport.onFrame((_, frame) => void this.#texts.push(Buffer.from(frame).toString()))
  }

  get texts(): readonly string[] {
    return this.#texts
  }

  /** Resolves when the other one has it; answers after how many milliseconds. */
  async send(to: MixPeer, text: string, withinMs: number): Promise<number> {
    const sentAt = monotonicMs()
    await this.transport.send(peerIdOf(to.keys.publicKey), Buffer.from(text), AbortSignal.timeout(withinMs))
    return monotonicMs() - sentAt
  }
}

/** A genuine packet of this epoch along these nodes, for whoever waits at the last. */
export function packetVia(consensus: Consensus, nodes: readonly ConsensusNode[], recipient: Uint8Array): Uint8Array {
  const path = nodes.map((node, i) => (i === nodes.length - 1 ? { ...hopOf(node), recipient } : hopOf(node)))
  const epochParity = (consensus.epoch % 2) as 0 | 1
  return buildPacket(suite, path, systemRng.bytes(suite.geometry.payloadBytes), systemRng, { epochParity })
}

/** A node's id in hex. */
export function idOf({ signed }: ConsensusNode): string {
  return toHex(signed.descriptor.identityKey)
}

function hopOf({ signed }: ConsensusNode): PathHop {
  return { id: signed.descriptor.identityKey, publicKey: signed.descriptor.sphinxKey, delayClass: 0 }
}
