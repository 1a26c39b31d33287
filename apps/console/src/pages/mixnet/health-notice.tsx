import { formatCount, formatDuration, formatExact } from '../../format/format.ts'
import { State } from '../../parts/badge.tsx'
import { Notice } from '../../parts/notice.tsx'
import { useNow } from '../../parts/time.tsx'
import type { Health } from './epochs.ts'
import { missingText } from './words.ts'

/** Until a network that was asked about at the turn of an epoch must have been read. */
const SEEN_LATE_MS = 3000

/** How the network stands, in a word. */
export function HealthState({ health }: { health: Health }) {
  switch (health.kind) {
    case 'starting':
      return <State tone="idle">not begun</State>
    case 'none':
      return <State tone="bad">no consensus</State>
    case 'late':
      return <State tone="warn">consensus late</State>
    case 'stopped':
      return <State tone="bad">stopped</State>
    case 'empty':
      return <State tone="idle">no nodes yet</State>
    case 'broken':
      return <State tone="warn">no way through</State>
    case 'sound':
      return <State tone="good">epoch {health.epoch}</State>
  }
}

/** How the network stands, in a sentence, with what to do about it. `aheadMs` is how far the control plane's clock is ahead. */
export function HealthNotice({ health, aheadMs }: { health: Health; aheadMs: number }) {
  const now = useNow() + aheadMs
  const until = (at: number) => (at > now ? `in ${formatDuration(at - now)}` : 'now')
  switch (health.kind) {
    case 'starting':
      return (
        <Notice>
          The first epoch begins {until(health.beginsAt)} ({formatExact(health.beginsAt - aheadMs)}). Nodes that
          announce themselves before are in it.
        </Notice>
      )
    case 'none':
      return (
        <Notice kind="bad">
          Epoch {health.epoch} runs, and no consensus was made yet. The authorities are not here or do not agree: the
          log of the control plane says why.
        </Notice>
      )
    case 'late':
      return (
        <Notice kind="warn">
          Nobody agreed on epoch {health.epoch}, which runs. The network lives on the consensus of epoch {health.held},
          which is worth nothing {health.validUntil > now ? until(health.validUntil) : 'from now on'}. Look into the log
          of the control plane.
        </Notice>
      )
    case 'stopped':
      return (
        <Notice kind="bad">
          The network has stopped: its last consensus, of epoch {health.held}, ended{' '}
          {formatDuration(Math.max(0, now - health.validUntil))} ago, and epoch {health.epoch} runs. What is shown below
          is how it was.
        </Notice>
      )
    case 'empty':
      return (
        <Notice>
          The authorities agreed on epoch {health.epoch}, and no node is in it. Who announces itself now is in the epoch
          after the next consensus.
        </Notice>
      )
    case 'broken':
      return (
        <Notice kind="warn">
          No packet gets through in epoch {health.epoch}: {missingText(health.missing)}. It ends {until(health.endsAt)}.
        </Notice>
      )
    case 'sound':
      return (
        <p className="figures text-sm text-soft">
          {now < health.endsAt + SEEN_LATE_MS
            ? `Epoch ${formatCount(health.epoch)} ends ${until(health.endsAt)}.`
            : `Epoch ${formatCount(health.epoch)} is over; what holds now could not be read yet.`}
        </p>
      )
  }
}
