import { useFeed } from '../feed/feed.tsx'
import { classes } from '../parts/classes.ts'

const SAYS = {
  connecting: {
    word: 'Connecting',
    dot: 'bg-bar-warn animate-breathe',
    hint: 'Asking the control plane for live updates.',
  },
  live: { word: 'Live', dot: 'bg-bar-good', hint: 'What you see changes as it happens.' },
  reconnecting: {
    word: 'Reconnecting',
    dot: 'bg-bar-warn animate-breathe',
    hint: 'Live updates are cut off. What you see may be old; it catches up by itself.',
  },
  stopped: { word: 'Offline', dot: 'bg-bar-bad', hint: 'No live updates.' },
}

/** Whether the page is live; a break is also said to a screen reader. */
export function Connection({ small = false }: { small?: boolean }) {
  const { state } = useFeed()
  const { word, dot, hint } = SAYS[state]
  return (
    <p role="status" title={hint} className="flex items-center gap-2 text-[0.8125rem] text-soft">
      <span aria-hidden="true" className={classes('size-2 rounded-full', dot)} />
      <span className={small && state === 'live' ? 'max-xs:sr-only' : undefined}>{word}</span>
    </p>
  )
}
