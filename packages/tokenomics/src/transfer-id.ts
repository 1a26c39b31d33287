import { assert } from '@fog/kernel'
import type { HoldId, TransferId } from '@fog/kernel'

/** What happens to a hold, each at most once. */
export type HoldStep = 'hold' | 'settle' | 'release'

/**
 * The id of the transfer that makes a step of a hold: the same each time, so that a retry cannot pay twice.
 *
 * An id's 26 base32 characters carry 130 bits for its 128; the last two are zero in every id made by `newId`. The step
 * is written there, so derived ids never meet each other nor an id that was made.
 */
export function transferIdOf(holdId: HoldId, step: HoldStep): TransferId {
  const last = CROCKFORD.indexOf(holdId.at(-1)!)
  assert(last >= 0 && last % 4 === 0, 'a hold id is made by newId: its last two bits are free')
  return `xfer_${holdId.slice('hold_'.length, -1)}${CROCKFORD[last + STEP_BITS[step]]}` as TransferId
}

/** The alphabet of ids, as in `toBase32` of the kernel. */
const CROCKFORD = '0123456789abcdefghjkmnpqrstvwxyz'

const STEP_BITS: Readonly<Record<HoldStep, number>> = { hold: 1, settle: 2, release: 3 }
