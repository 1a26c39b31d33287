import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { useFeed } from '../../feed/feed.tsx'
import { nextTurn } from './epochs.ts'
import type { Mixnet } from './queries.ts'

/** A moment after an epoch begins, whoever asks is told of it: clocks of browsers are no better. */
const AFTER_MS = 150
/** Timers hold no more; then it is set again. */
const LONGEST_MS = 2 ** 31 - 1

/**
 * Reads the network again whenever an epoch begins, for what was agreed on before holds from then, and no event tells; and when the
 * page is live again after a break, in which an epoch may have begun. Shows nothing.
 */
export function FollowEpochs({ mixnet: { rules, aheadMs } }: { mixnet: Mixnet }) {
  const queries = useQueryClient()
  const { schedule } = rules
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>
    const wait = () => {
      const now = Date.now() + aheadMs
      const ms = nextTurn(schedule, now) - now + AFTER_MS
      timer = setTimeout(
        () => {
          if (ms <= LONGEST_MS) void queries.invalidateQueries({ queryKey: ['mixnet', 'topology'] })
          wait()
        },
        Math.min(ms, LONGEST_MS),
      )
    }
    wait()
    return () => clearTimeout(timer)
  }, [schedule, aheadMs, queries])
  const { state } = useFeed()
  useEffect(() => {
    if (state === 'live') void queries.invalidateQueries({ queryKey: ['mixnet', 'topology'] })
  }, [state, queries])
  return null
}
