import { Link } from '@tanstack/react-router'
import type { FeedLine } from '../../feed/sentences.ts'
import type { Tone } from '../../parts/badge.tsx'
import { classes } from '../../parts/classes.ts'
import { Ago } from '../../parts/time.tsx'

const DOTS: Record<Tone, string> = {
  idle: 'bg-bar-idle',
  run: 'bg-bar-run',
  good: 'bg-bar-good',
  warn: 'bg-bar-warn',
  bad: 'bg-bar-bad',
  accent: 'bg-accent',
}

/** The feed in sentences. Not read out by itself: it would never be silent. */
export function FeedList({ lines }: { lines: readonly FeedLine[] }) {
  if (lines.length === 0) {
    return <p className="text-sm text-soft">Quiet so far. What happens from now on appears here.</p>
  }
  return (
    <ol className="-my-1">
      {lines.map((line) => (
        <li key={line.key} className="flex items-baseline gap-2.5 py-1.5 text-sm">
          <span
            aria-hidden="true"
            className={classes('size-2 shrink-0 translate-y-[-1px] rounded-full', DOTS[line.tone])}
          />
          <span className="min-w-0 flex-1">
            <Subject line={line} />
          </span>
          <span className="figures shrink-0 text-xs text-faint">
            <Ago at={line.at} />
          </span>
        </li>
      ))}
    </ol>
  )
}

function Subject({ line }: { line: FeedLine }) {
  if (line.jobId) {
    return (
      <Link to="/jobs/$jobId" params={{ jobId: line.jobId }} className="hover:text-accent hover:underline">
        {line.text}
      </Link>
    )
  }
  if (line.nodeId) {
    return (
      <Link to="/nodes/$nodeId" params={{ nodeId: line.nodeId }} className="hover:text-accent hover:underline">
        {line.text}
      </Link>
    )
  }
  return line.text
}
