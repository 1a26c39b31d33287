import type { ReactNode } from 'react'
import { Banks, Mark } from './brand.tsx'

/** The way in: one form before the fog. */
export function Doorway({ title, note, children }: { title: string; note: ReactNode; children: ReactNode }) {
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center px-4 py-10">
      <Banks />
      <div className="w-full max-w-sm">
        <div className="mb-7 flex items-center justify-center gap-3">
          <Mark size={38} />
          <span className="text-2xl font-semibold tracking-[-0.03em]">Fog</span>
        </div>
        <div className="rounded-2xl border border-line bg-surface p-6 shadow-float sm:p-7">
          <h1 id="page-heading" tabIndex={-1} className="text-xl font-semibold tracking-[-0.02em]">
            {title}
          </h1>
          <p className="mt-1 mb-5 text-sm text-soft">{note}</p>
          {children}
        </div>
      </div>
    </main>
  )
}
