import type { Clock, Rng } from '@fog/kernel'

export interface Backoff {
  readonly firstMs: number
  readonly mostMs: number
}

/** How long to wait before try `n` (from 1): doubling, bounded, with full jitter so that many workers do not come back at once. */
export function backoffMs(n: number, { firstMs, mostMs }: Backoff, rng: Rng): number {
  const ceiling = Math.min(mostMs, firstMs * 2 ** Math.min(n - 1, 30))
  // Never nothing: a quarter at least, so that a failing loop cannot spin.
  return ceiling * (0.25 + 0.75 * rng.next())
}

export interface RetryOptions extends Backoff {
  readonly tries: number
  /** Whether trying again may help. */
  readonly isPassing: (fault: unknown) => boolean
  readonly signal: AbortSignal
}

/** Does `work` until it goes well, at most `tries` times; then its last fault is thrown. */
export async function retried<Result>(
  work: () => Promise<Result>,
  { clock, rng }: { readonly clock: Clock; readonly rng: Rng },
  { tries, isPassing, signal, ...backoff }: RetryOptions,
): Promise<Result> {
  for (let n = 1; ; n++) {
    try {
      return await work()
    } catch (fault) {
      if (signal.aborted || n >= tries || !isPassing(fault)) throw fault
    }
    await clock.sleep(backoffMs(n, backoff, rng), signal)
  }
}
