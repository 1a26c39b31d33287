import type { Reach } from '@fog/fog'
import { arrivedByMixnet } from '../mixnet/entry/index.ts'

/** How a request came, by its connection: no header can claim it. */
export function reachOf(socket: object): Reach {
  return arrivedByMixnet(socket) ? 'mixnet' : 'direct'
}
