import { Button } from '../parts/button.tsx'
import { messageOf } from '../session/session.ts'

/** What stands there when a page itself fails: most often a new version was installed while this tab was open. */
export function Broken({ error }: { error: unknown }) {
  return (
    <main className="mx-auto max-w-lg px-6 py-24">
      <h1 className="text-2xl font-semibold tracking-[-0.02em]">This page could not be shown</h1>
      <p className="mt-2 text-soft">
        {messageOf(error)} Load it again: if the control plane was just updated, that brings the new console.
      </p>
      <Button kind="primary" className="mt-6" onClick={() => window.location.reload()}>
        Load again
      </Button>
    </main>
  )
}
