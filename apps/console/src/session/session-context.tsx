import { createContext, type ReactNode, use, useSyncExternalStore } from 'react'
import type { Client } from '@fog/contract'
import type { Session, SessionState } from './session.ts'

const Context = createContext<Session | undefined>(undefined)

export function SessionProvider({ session, children }: { session: Session; children: ReactNode }) {
  return <Context value={session}>{children}</Context>
}

export function useSession(): Session {
  const session = use(Context)
  if (!session) throw new Error('useSession is called outside of SessionProvider')
  return session
}

export function useSessionState(): SessionState {
  const session = useSession()
  return useSyncExternalStore(session.subscribe, session.state)
}

/** The typed client, with this tab's log-in. */
export function useClient(): Client {
  return useSession().client
}
