import { x25519, x25519Base, X25519_BYTES } from '@fog/kernel/node'
import type { KeyExchange, KeySchedule, RandomBytes } from './suite.ts'

/** A fresh element for every hop, so a node multiplies once. The next hop's element comes in the slot. */
export const kemX25519: KeyExchange = {
  kind: 'kem',
  agree,
  begin: (schedules, random) =>
    schedules.every((schedule) =>
      withScalar(random, (scalar) => {
        x25519Base(schedule.element, scalar)
        return deriveFrom(schedule, scalar)
      }),
    ),
  next: (out, _schedule, carried) => {
    out.set(carried)
    return true
  },
}

/** One element for the whole path. Each hop multiplies it with a scalar that it shares with the sender: a second multiplication. */
export const nikeX25519: KeyExchange = {
  kind: 'nike',
  agree,
  begin: (schedules, random) =>
    withScalar(random, (scalar) => schedules.every((_, hop) => beginBlinded(schedules, hop, scalar))),
  next: (out, { keys, element }) => x25519(out, keys.blinding, element),
}

function agree(schedule: KeySchedule, privateKey: Buffer): boolean {
  return x25519(schedule.dh, privateKey, schedule.element)
}

function beginBlinded(schedules: readonly KeySchedule[], hop: number, scalar: Buffer): boolean {
  const schedule = schedules[hop]!
  const before = schedules[hop - 1]
  if (before) x25519(schedule.element, before.keys.blinding, before.element)
  else x25519Base(schedule.element, scalar)
  if (!x25519(schedule.dh, scalar, schedule.nodeKey)) return false
  // The element this hop sees was blinded by all hops before it, and so must be the secret.
  for (const { keys } of schedules.slice(0, hop)) {
    if (!x25519(schedule.dh, keys.blinding, Buffer.from(schedule.dh))) return false
  }
  schedule.derive()
  return true
}

function deriveFrom(schedule: KeySchedule, scalar: Buffer): boolean {
  if (!x25519(schedule.dh, scalar, schedule.nodeKey)) return false
  schedule.derive()
  return true
}

function withScalar(random: RandomBytes, use: (scalar: Buffer) => boolean): boolean {
  const scalar = Buffer.from(random.bytes(X25519_BYTES))
  const done = use(scalar)
  scalar.fill(0)
  return done
}
