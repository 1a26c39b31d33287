import { toBase32, utf8 } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'

/** 120 bits: nobody guesses it, and it still fits a line. */
const CODE_BYTES = 15

/**
 * The set-up code, derived from the fog's signing key: the same at every start and in every control plane until it is
 * used, and kept nowhere. The label keeps it apart from whatever else the key is for.
 */
export function setupCodeOf(seed: Uint8Array): string {
  return toBase32(sha256(utf8('fog.setup-code.v1'), seed).subarray(0, CODE_BYTES))
}
