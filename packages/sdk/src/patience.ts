import { ApiError, Unreachable } from '@fog/contract'
import type { Clock } from '@fog/kernel'

/** So long a control plane may be away, restarting say, before whoever waits for a job is told. */
const PATIENCE_MS = 60_000
const RETRY_FIRST_MS = 250
const RETRY_LONGEST_MS = 5_000

/** Asks again while the control plane is away or busy; for questions only, which may be asked twice. */
export async function patiently<Answer>(
  ask: () => Promise<Answer>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Answer> {
  const giveUpAt = clock.now() + PATIENCE_MS
  for (let failures = 0; ; failures += 1) {
    try {
      return await ask()
    } catch (fault) {
      if (!isPassing(fault) || clock.now() >= giveUpAt) throw fault
      const backOffMs = Math.min(RETRY_LONGEST_MS, RETRY_FIRST_MS * 2 ** failures)
      await clock.sleep(Math.max(backOffMs, askedToWaitMs(fault)), signal)
    }
  }
}

/** Whether the same question may be answered a little later. */
export function isPassing(fault: unknown): boolean {
  if (fault instanceof ApiError) return fault.status === 429 || fault.status >= 500
  return fault instanceof Unreachable
}

function askedToWaitMs(fault: unknown): number {
  const seconds = fault instanceof ApiError ? fault.problem.facts?.['retrySeconds'] : undefined
  return typeof seconds === 'number' ? Math.min(60, seconds) * 1000 : 0
}
