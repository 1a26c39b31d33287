import { ChevronLeft, ChevronRight } from 'lucide-react'
import { useCallback, useState } from 'react'
import { Button } from './button.tsx'

export interface Pages {
  /** What to give as `after` for the page shown. */
  readonly after: string | undefined
  /** From 0. */
  readonly index: number
  readonly next: (cursor: string) => void
  readonly previous: () => void
  readonly first: () => void
}

/** Walks a list that the server gives page by page. */
export function usePages(): Pages {
  const [cursors, setCursors] = useState<readonly string[]>([])
  return {
    after: cursors.at(-1),
    index: cursors.length,
    next: useCallback((cursor: string) => setCursors((before) => [...before, cursor]), []),
    previous: useCallback(() => setCursors((before) => before.slice(0, -1)), []),
    first: useCallback(() => setCursors([]), []),
  }
}

/** Previous and next; nothing at all when everything fits one page. */
export function Pager({ pages, next, label }: { pages: Pages; next: string | undefined; label: string }) {
  if (pages.index === 0 && next === undefined) return null
  return (
    <nav
      aria-label={label}
      className="flex items-center justify-between gap-2 border-t border-line px-4 py-2.5 sm:px-5"
    >
      <Button
        size="small"
        kind="quiet"
        disabled={pages.index === 0}
        onClick={pages.previous}
        icon={<ChevronLeft size={15} aria-hidden="true" />}
      >
        Previous
      </Button>
      <span className="figures text-[0.8125rem] text-faint">Page {pages.index + 1}</span>
      <Button
        size="small"
        kind="quiet"
        disabled={next === undefined}
        onClick={() => next !== undefined && pages.next(next)}
      >
        Next
        <ChevronRight size={15} aria-hidden="true" />
      </Button>
    </nav>
  )
}
