import { useQueryClient } from '@tanstack/react-query'
import { Navigate, useRouter } from '@tanstack/react-router'
import { CloudOff } from 'lucide-react'
import { useEffect, useState } from 'react'
import { FeedProvider } from '../feed/feed.tsx'
import { Banks, Mark } from '../parts/brand.tsx'
import { Button } from '../parts/button.tsx'
import { useSession, useSessionState } from '../session/session-context.tsx'
import { Shell } from './shell.tsx'

/** Lets in who is logged in; sends the others to log in, and back here afterwards. */
export function Gate() {
  const state = useSessionState()
  useForgetAfterLogOut(state.status)
  if (state.status === 'starting') return <Starting />
  if (state.status === 'unreachable') return <Unreachable message={state.message} />
  if (state.status === 'out' && state.setupNeeded) return <Navigate to="/setup" replace />
  if (state.status === 'out') return <ToLogIn />
  return (
    <FeedProvider>
      <Shell />
    </FeedProvider>
  )
}

// Once, with the address as it was: while the log-in page is fetched, the address is already another.
function ToLogIn() {
  const router = useRouter()
  const [next] = useState(() => router.state.location.href)
  useEffect(() => {
    void router.navigate({ to: '/login', search: next === '/' ? {} : { next }, replace: true })
  }, [router, next])
  return <Starting />
}

// The next person at this browser must not see a flash of the last one's data.
function useForgetAfterLogOut(status: string): void {
  const queries = useQueryClient()
  useEffect(() => {
    if (status === 'out') queries.clear()
  }, [status, queries])
}

function Starting() {
  return (
    <main aria-busy="true" className="flex min-h-dvh items-center justify-center">
      <h1 className="sr-only">Fog</h1>
      <p role="status" className="sr-only">
        Opening the console
      </p>
      <div className="animate-breathe">
        <Mark size={40} />
      </div>
    </main>
  )
}

function Unreachable({ message }: { message: string }) {
  const session = useSession()
  useEffect(() => {
    const again = () => void session.start()
    window.addEventListener('online', again)
    return () => window.removeEventListener('online', again)
  }, [session])
  return (
    <main className="flex min-h-dvh flex-col items-center justify-center px-6 text-center">
      <Banks />
      <CloudOff size={32} aria-hidden="true" className="text-faint" />
      <h1 className="mt-4 text-2xl font-semibold tracking-[-0.02em]">Lost in the fog</h1>
      <p role="alert" className="mt-2 max-w-md text-soft">
        {message}
      </p>
      <Button kind="primary" className="mt-6" onClick={() => void session.start()}>
        Try again
      </Button>
    </main>
  )
}
