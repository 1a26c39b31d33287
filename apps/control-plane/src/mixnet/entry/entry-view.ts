import { type Consensus, LAYERS } from '@fog/betanet/directory'
import { homeGateways } from '@fog/betanet'
import type { MixEntryView } from '@fog/contract'
import { fromHex, toHex } from '@fog/kernel'
import type { DurableDirectory } from '../durable-directory.ts'

/** Where peers reach the control plane in the mixnet; undefined while the network has too few nodes for a path. */
export async function entryView(
  { address }: { readonly address: string },
  directory: Pick<DurableDirectory, 'lastConsensusEpoch' | 'readConsensus'>,
  epoch: number,
): Promise<MixEntryView | undefined> {
  const last = await directory.lastConsensusEpoch(epoch + 1)
  const signed = last === undefined ? undefined : await directory.readConsensus(last)
  if (!signed || !hasPaths(signed.consensus)) return undefined
  const gateways = homeGateways(signed.consensus, fromHex(address)!)
  return { address, gateways: gateways.map(({ signed: { descriptor } }) => toHex(descriptor.identityKey)) }
}

/** A gateway, and a mix in each layer. */
function hasPaths({ nodes }: Consensus): boolean {
  return (['gateway', ...LAYERS] as const).every((place) => nodes.some((node) => node.place === place))
}
