import { noiseSuite, systemRng, x25519, X25519_BYTES } from '@fog/kernel/node'
import { quantile } from '../yardstick.ts'

const MULTIPLICATIONS = 3000
const ROUNDS = 7

/** CPU time of one X25519 multiplication by the library the nodes use, in microseconds: the yardstick of the same run. */
export function multiplicationCpuUs(): number {
  const [scalar, out] = [Buffer.from(systemRng.bytes(X25519_BYTES)), Buffer.alloc(X25519_BYTES)]
  const point = Buffer.from(noiseSuite().makeKeyPair().publicKey)
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage()
    for (let i = 0; i < MULTIPLICATIONS; i++) x25519(out, scalar, point)
    const { user, system } = process.cpuUsage(before)
    return (user + system) / MULTIPLICATIONS
  })
  return quantile(rounds, 0.5)
}
