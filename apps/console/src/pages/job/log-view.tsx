import { useLayoutEffect, useRef } from 'react'
import type { AttemptView, LogChunkView } from '@fog/contract'

const LOOKS: Readonly<Record<LogChunkView['stream'], string>> = {
  stdout: 'text-ink',
  stderr: 'text-warn',
  system: 'text-accent',
}

interface LogViewProps {
  readonly chunks: readonly LogChunkView[]
  readonly attempts: readonly AttemptView[]
}

/** What a task printed, by try. Stays at the end while it grows, unless one scrolled up to read. */
export function LogView({ chunks, attempts }: LogViewProps) {
  const box = useRef<HTMLDivElement>(null)
  const atEnd = useRef(true)
  useLayoutEffect(() => {
    if (atEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight
  })
  if (chunks.length === 0) return <p className="text-sm text-soft">Nothing printed yet.</p>
  const byAttempt = [...Map.groupBy(chunks, ({ attemptId }) => attemptId)]
  return (
    <div
      ref={box}
      // Scrolls, so it must be reachable by keyboard.
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      role="log"
      aria-label="Log of the task"
      aria-live="off"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        atEnd.current = scrollTop + clientHeight > scrollHeight - 24
      }}
      className="max-h-96 overflow-auto rounded-lg border border-line bg-sunken p-3 font-mono text-xs leading-relaxed"
    >
      {byAttempt.map(([attemptId, ofAttempt]) => (
        <div key={attemptId}>
          {byAttempt.length > 1 && (
            <p className="mt-2 mb-1 font-sans font-medium text-faint first:mt-0">{nameOf(attemptId, attempts)}</p>
          )}
          <pre className="whitespace-pre-wrap">
            {ofAttempt.map((chunk) => (
              <span key={chunk.cursor} className={LOOKS[chunk.stream]}>
                {chunk.text}
              </span>
            ))}
          </pre>
        </div>
      ))}
    </div>
  )
}

function nameOf(attemptId: string, attempts: readonly AttemptView[]): string {
  const place = attempts.findIndex((attempt) => attempt.attemptId === attemptId)
  const attempt = attempts[place]
  return attempt ? `Try ${place + 1} on ${attempt.nodeName}` : 'Another try'
}
