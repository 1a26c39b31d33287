import { type ReactNode, useEffect } from 'react'

interface PageProps {
  /** In the tab and as the heading, unless `heading` says it better. */
  readonly title: string
  readonly heading?: ReactNode
  /** Above the heading: where one comes from. */
  readonly above?: ReactNode
  readonly note?: ReactNode
  readonly actions?: ReactNode
  readonly children: ReactNode
}

/** A page's head and body. The heading takes the focus after a change of page, so that it is read out. */
export function Page({ title, heading, above, note, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Fog`
  }, [title])
  return (
    <div className="mx-auto w-full max-w-6xl px-4 pt-5 pb-10 sm:px-6 md:px-8 md:pt-8">
      {above && <div className="mb-2 text-sm">{above}</div>}
      <header className="mb-5 flex flex-wrap items-start justify-between gap-x-6 gap-y-3 md:mb-6">
        <div className="min-w-0">
          <h1 id="page-heading" tabIndex={-1} className="text-2xl font-semibold tracking-[-0.02em] break-words">
            {heading ?? title}
          </h1>
          {note && <div className="mt-1 text-sm text-soft">{note}</div>}
        </div>
        {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      <div className="space-y-4 md:space-y-5">{children}</div>
    </div>
  )
}
