import { toHex } from '@fog/kernel'
import type { Consensus, Descriptor } from '../directory/index.ts'
import type { Neighbour } from './out-links.ts'

/** All nodes that consensuses name, each as the newest of them has it. */
export function neighboursOf(consensuses: readonly Consensus[]): Neighbour[] {
  const newest = new Map<string, Descriptor>()
  for (const { nodes } of consensuses) {
    for (const { signed } of nodes) newest.set(toHex(signed.descriptor.identityKey), signed.descriptor)
  }
  return [...newest.values()].flatMap((descriptor) => neighbourOf(descriptor) ?? [])
}

/** How a node is reached; undefined where it names no address for links. */
export function neighbourOf({ identityKey, linkKey, addresses }: Descriptor): Neighbour | undefined {
  const links = addresses.filter(({ protocol }) => protocol === 'tcp').toSorted((a, b) => a.worker - b.worker)
  const [first] = links
  if (!first) return undefined
  return {
    nodeId: identityKey,
    linkKey,
    host: first.host,
    ports: links.map(({ port }) => port),
    datagrams: addresses.some(({ protocol }) => protocol === 'udp'),
  }
}
