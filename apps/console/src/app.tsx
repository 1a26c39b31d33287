import { CSPProvider } from '@base-ui/react/csp-provider'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { useState } from 'react'
import { ApiError, Unreachable } from '@fog/contract'
import { router } from './router.tsx'
import type { Session } from './session/session.ts'
import { SessionProvider } from './session/session-context.tsx'

/** The whole console. Queries stay as they are until the feed says otherwise, or the tab comes back after a while. */
export function App({ session }: { session: Session }) {
  const [queries] = useState(
    () =>
      new QueryClient({
        defaultOptions: {
          // A home network without the internet is online enough: the control plane itself is asked, not the browser.
          queries: { staleTime: 20_000, retry: retryOnce, refetchOnReconnect: 'always', networkMode: 'always' },
          mutations: { retry: false, networkMode: 'always' },
        },
      }),
  )
  return (
    <CSPProvider disableStyleElements>
      <SessionProvider session={session}>
        <QueryClientProvider client={queries}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </SessionProvider>
    </CSPProvider>
  )
}

// A refusal stays a refusal; only a server that stumbled or did not answer is asked again, once.
function retryOnce(failures: number, error: Error): boolean {
  if (error instanceof ApiError) return error.status >= 500 && failures < 1
  return error instanceof Unreachable && failures < 1
}
