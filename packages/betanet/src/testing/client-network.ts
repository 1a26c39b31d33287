import type { DhKeyPair } from '@fog/kernel'
import { monotonicMs, noiseSuite, systemRng } from '@fog/kernel/node'
import {
  clientTimesOf,
  type Consensus,
  DirectoryClient,
  type NetworkParameters,
  signedConsensusForm,
} from '../directory/index.ts'
import { BetaNetTransport, type BetaNetTransportOptions, type TransportEvent } from '../node/index.ts'
import { TestNetwork } from './test-network.ts'

const noise = noiseSuite()

export interface TestNetworkShape {
  readonly gateways?: number
  readonly mixesPerLayer?: number
  readonly parameters?: Partial<NetworkParameters>
  /** Numbers of mixes, from 0 on, that may be made bad. */
  readonly bent?: readonly number[]
}

/** Real mix nodes and gateways on loopback that serve: in the epoch in which they first have their places. */
export async function startTestNetwork({
  gateways = 2,
  mixesPerLayer = 1,
  parameters = {},
  bent = [],
}: TestNetworkShape = {}): Promise<ClientNetwork> {
  const roles = [
    ...Array.from({ length: 3 * mixesPerLayer }, () => 'mix' as const),
    ...Array.from({ length: gateways }, () => 'gateway' as const),
  ]
  const network = new TestNetwork(roles, { nodesPerLayer: mixesPerLayer, ...parameters }, { bent })
  await network.start()
  // Keys must be known an epoch ahead, so places are given from the second epoch on.
  await network.pass(52)
  return new ClientNetwork(network)
}

/** A network that serves, and clients of it. */
export class ClientNetwork {
  readonly network: TestNetwork
  /** What clients are told by their transports, in the order of clients. */
  readonly events: { readonly client: number; readonly event: TransportEvent }[] = []
  /** Consensuses that do not reach the client of this number. */
  hides: (epoch: number, client: number) => boolean = () => false
  readonly #clients: { readonly transport: BetaNetTransport; readonly directory: DirectoryClient }[] = []

  constructor(network: TestNetwork) {
    this.network = network
  }

  /** A client that has opened its links. */
  async newTransport(
    options: BetaNetTransportOptions = {},
    keys: DhKeyPair = noise.makeKeyPair(),
  ): Promise<BetaNetTransport> {
    const { clock, rules, authority } = this.network
    const directory = new DirectoryClient({ clock }, { ...rules, ...clientTimesOf(rules.schedule) })
    const document = await authority.newestConsensus()
    const taken = document && directory.take(document)
    if (!taken?.ok) throw new Error('there is no consensus to start with')
    const { promise, resolve } = Promise.withResolvers<void>()
    let links = 0
    const client = this.#clients.length
    const log = (event: TransportEvent) => {
      this.events.push({ client, event })
      if (event.type === 'gateway.opened') links += 1
      if (links === 2) resolve()
    }
    const needs = { keys, directory, noise, clock, rng: systemRng, now: monotonicMs, log }
    const transport = new BetaNetTransport(needs, options)
    this.#clients.push({ transport, directory })
    transport.start()
    await promise
    return transport
  }

  /** Moves time on, and hands clients every consensus as it comes. */
  async pass(seconds: number): Promise<void> {
    for (let i = 0; i < seconds; i++) {
      await this.network.pass(1)
      for (const [client, { transport, directory }] of this.#clients.entries()) {
        const { network } = this
        const isHidden = (epoch: number) => this.hides(epoch, client)
        const document = network.isDirectoryDown ? undefined : await network.newestConsensus(isHidden)
        if (document) directory.take(document)
        transport.refresh()
      }
    }
  }

  /** That of an epoch, or the newest. */
  async consensus(epoch?: number): Promise<Consensus> {
    const { store } = this.network
    const bytes = await (epoch === undefined ? store.findLastConsensus() : store.findConsensus(epoch))
    if (!bytes) throw new Error('there is no such consensus')
    return signedConsensusForm.parse(bytes).consensus
  }

  async stop(): Promise<void> {
    for (const { transport } of this.#clients) transport.stop()
    await this.network.stop()
  }
}
