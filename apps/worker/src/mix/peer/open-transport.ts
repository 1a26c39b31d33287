import { BetaNetTransport } from '@fog/betanet/node'
import type { DhKeyPair } from '@fog/kernel'
import { MixError } from '../mix-error.ts'
import type { PeerNeeds } from './peer-needs.ts'
import type { PeerNetwork } from './peer-network.ts'
import { tellTransport } from './tell-transport.ts'

const GATEWAYS_MS = 60_000
const LOOK_EVERY_MS = 20

/** A peer on the network: links to its gateways are open, and consensuses are followed until the signal. Throws `mix.no_gateway`. */
export async function openTransport(
  needs: PeerNeeds,
  network: PeerNetwork,
  keys: DhKeyPair,
): Promise<BetaNetTransport> {
  const { config, clock, rng, noise, now, signal, say } = needs
  await network.usable()
  const { directory, clockOff } = network
  if (clockOff) say({ type: 'clock.off', ...clockOff })
  const transport = new BetaNetTransport(
    { keys, directory, noise, clock, rng, now, log: (event) => tellTransport(needs, event) },
    { cover: config.cover },
  )
  transport.start()
  network.onChanged(() => transport.refresh())
  void network.follow()
  const endsAt = now() + GATEWAYS_MS
  while (transport.status().gateways.length === 0) {
    if (now() > endsAt) {
      transport.stop()
      throw new MixError({ code: 'mix.no_gateway', seconds: GATEWAYS_MS / 1000 })
    }
    await clock.sleep(LOOK_EVERY_MS, signal)
  }
  return transport
}
