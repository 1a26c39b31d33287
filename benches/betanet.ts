import { datagrams, mixNode, threeHops } from './betanet/mix-node.ts'
import { unwrapPerCore } from './betanet/unwrap.ts'
import type { Figure } from './figure.ts'

/** The mixnet: what a packet costs a core, what a node carries, what several in a row do. */
export async function betanet(): Promise<Figure[]> {
  return [
    ...unwrapPerCore(),
    ...(await mixNode({ perSecond: 20_000, seconds: 30 })),
    ...(await mixNode({ perSecond: 25_000, seconds: 30 })),
    ...(await threeHops({ perSecond: 5_000, seconds: 10 })),
    ...(await datagrams({ perSecond: 5_000, seconds: 10 })),
  ]
}
