import { cpus, totalmem } from 'node:os'
import { diffieHellman, generateKeyPairSync } from 'node:crypto'

/** What every bench prints first: the machine, and what it can do, measured in the same run. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly node: string
  /** X25519 multiplications a second on one core, by node:crypto with ready keys. */
  readonly x25519PerSecond: number
}

export function measureMachine(): Machine {
  const [first] = cpus()
  return {
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    x25519PerSecond: Math.round(x25519Rate()),
  }
}

function x25519Rate(): number {
  const own = generateKeyPairSync('x25519')
  const other = generateKeyPairSync('x25519')
  const agree = () => diffieHellman({ privateKey: own.privateKey, publicKey: other.publicKey })
  for (let i = 0; i < 1000; i++) agree()
  const startedAt = performance.now()
  let rounds = 0
  while (performance.now() - startedAt < 500) for (let i = 0; i < 200; i++, rounds++) agree()
  return (rounds * 1000) / (performance.now() - startedAt)
}

/** The value below which this share of the figures lies; the figures need no order. */
export function quantile(figures: readonly number[], share: number): number {
  const sorted = figures.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
