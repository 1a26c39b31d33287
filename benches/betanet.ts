import { unwrapPerCore } from './betanet/unwrap.ts'
import type { Figure } from './figure.ts'

/** The mixnet: what a packet costs. */
export async function betanet(): Promise<Figure[]> {
  return [...unwrapPerCore()]
}
